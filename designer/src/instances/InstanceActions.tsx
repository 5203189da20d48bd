import { ActionIcon, Button, Group, Menu, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconArrowForward, IconArrowRight, IconDots, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { activitiesOf, labelOf } from '../journeys/elsa';
import { useDefinition } from '../journeys/useDefinition';
import { useMay } from '../session/session';
import { toast } from '../ui/toast';

interface Trip {
  id: string;
  journey: string | null;
  running: boolean;
  failed: boolean;
}

/** What an operator may do with one contact's trip. */
export function InstanceActions({ instance }: { instance: Trip }) {
  const [asking, setAsking] = useState<'skip' | 'move' | null>(null);
  const mayAct = useMay('publisher');
  const command = useCommand(instance.id);
  if (!mayAct || !instance.running) return null;
  const confirmCancel = () => modals.openConfirmModal({
    title: 'Take the contact out of the journey?',
    children: <Text size="sm">The trip ends here. Mail that is queued for it is called off.</Text>,
    labels: { confirm: 'Take out', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => command.mutate({ name: 'cancel', body: { reason: 'cancelled in the console' } }),
  });
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label="What to do with this trip"><IconDots size={18} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          {instance.failed && <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => command.mutate({ name: 'retry' })}>Try the failed step again</Menu.Item>}
          {instance.failed && <Menu.Item leftSection={<IconArrowForward size={16} />} onClick={() => setAsking('skip')}>Skip the failed step</Menu.Item>}
          {instance.journey && <Menu.Item leftSection={<IconArrowRight size={16} />} onClick={() => setAsking('move')}>Move to another step</Menu.Item>}
          <Menu.Item color="red" leftSection={<IconPlayerStop size={16} />} onClick={confirmCancel}>Take out of the journey</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asking === 'skip' && <SkipDialog id={instance.id} onClose={() => setAsking(null)} />}
      {asking === 'move' && <MoveDialog id={instance.id} journey={instance.journey!} onClose={() => setAsking(null)} />}
    </>
  );
}

function useCommand(id: string, onDone?: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, body }: { name: string; body?: unknown }) => call('POST', `/instances/${id}/${name}`, body === undefined ? {} : { body }),
    onSuccess: async () => {
      toast('Done within moments.');
      onDone?.();
      await Promise.all([queries.invalidateQueries({ queryKey: ['journeys'] }), queries.invalidateQueries({ queryKey: ['instances'] })]);
    },
  });
}

function SkipDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [outcome, setOutcome] = useState('');
  const command = useCommand(id, onClose);
  return (
    <Modal opened onClose={onClose} title="Skip the failed step">
      <Stack>
        <TextInput label="Go on by which exit?" description="Such as True, TimedOut or Failed. Empty: Done." value={outcome} onChange={(event) => setOutcome(event.currentTarget.value)} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button loading={command.isPending} onClick={() => command.mutate({ name: 'skip', body: { outcome: outcome.trim() || null } })}>Skip</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function MoveDialog({ id, journey, onClose }: { id: string; journey: string; onClose: () => void }) {
  const { data: definition } = useDefinition(journey);
  const [step, setStep] = useState<string | null>(null);
  const command = useCommand(id, onClose);
  return (
    <Modal opened onClose={onClose} title="Move to another step">
      <Stack>
        <Select label="Step" description="The contact goes on from here, on the version that runs." searchable value={step} onChange={setStep}
          data={definition ? activitiesOf(definition).map((activity) => ({ value: activity.id, label: labelOf(activity) })) : []} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button disabled={!step} loading={command.isPending} onClick={() => command.mutate({ name: 'move', body: { activity_id: step } })}>Move</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
