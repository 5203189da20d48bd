import { ActionIcon, Button, Group, Menu, Modal, Select, Stack, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconArrowForward, IconArrowRight, IconDots, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { activitiesOf, connectionsOf, labelOf, typeWords, type ElsaDefinition } from '../journeys/elsa';
import { useDefinition } from '../journeys/useDefinition';
import { useMay } from '../session/session';
import { toast } from '../ui/toast';

interface Trip {
  id: string;
  journey: string | null;
  version: number | null;
  /** Where it stands, or failed. */
  step: string | null;
  running: boolean;
  failed: boolean;
}

type Command = 'retry' | 'skip' | 'move' | 'cancel';

const done: Record<Command, string> = {
  retry: 'The step is tried again now.',
  skip: 'The contact goes on past the step.',
  move: 'The contact goes on from that step.',
  cancel: 'The contact was taken out of the journey.',
};

/** What an operator may do with one contact's trip. */
export function InstanceActions({ instance }: { instance: Trip }) {
  const [asking, setAsking] = useState<'skip' | 'move' | null>(null);
  const mayAct = useMay('publisher');
  const command = useCommand(instance.id);
  if (!mayAct || !(instance.running || instance.failed)) return null;
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
      {asking === 'skip' && <SkipDialog instance={instance} onClose={() => setAsking(null)} />}
      {asking === 'move' && <MoveDialog instance={instance} onClose={() => setAsking(null)} />}
    </>
  );
}

function useCommand(id: string, onDone?: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, body }: { name: Command; body?: unknown }) => call('POST', `/instances/${id}/${name}`, body === undefined ? {} : { body }),
    onSuccess: async (_, { name }) => {
      toast(done[name]);
      onDone?.();
      await Promise.all([queries.invalidateQueries({ queryKey: ['journeys'] }), queries.invalidateQueries({ queryKey: ['instances'] })]);
    },
  });
}

function SkipDialog({ instance, onClose }: { instance: Trip; onClose: () => void }) {
  const { data: definition } = useDefinition(instance.journey ?? '', instance.version ?? undefined);
  const exits = definition ? exitsOf(definition, instance.step) : [];
  const [chosen, setChosen] = useState<string | null>(null);
  const outcome = chosen ?? exits[0] ?? null;
  const command = useCommand(instance.id, onClose);
  return (
    <Modal opened onClose={onClose} title="Skip the failed step">
      <Stack>
        {exits.length > 1
          ? <Select label="Go on by which exit?" allowDeselect={false} data={exits.map((exit) => ({ value: exit, label: typeWords(exit) }))} value={outcome} onChange={setChosen} data-autofocus />
          : <Text size="sm">The contact goes on as if the step were done.</Text>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button loading={command.isPending} onClick={() => command.mutate({ name: 'skip', body: { outcome } })}>Skip</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** The exits that lead on from a step, or all there are where nobody knows which step. */
function exitsOf(definition: ElsaDefinition, step: string | null) {
  return [...new Set(connectionsOf(definition).filter(({ source }) => step === null || source.activity === step).map(({ source }) => source.port ?? 'Done'))];
}

function MoveDialog({ instance, onClose }: { instance: Trip; onClose: () => void }) {
  const { data: definition } = useDefinition(instance.journey ?? '', instance.version ?? undefined);
  const [step, setStep] = useState<string | null>(null);
  const command = useCommand(instance.id, onClose);
  return (
    <Modal opened onClose={onClose} title="Move to another step">
      <Stack>
        <Select label="Step" description="The contact leaves where it is and goes on from here, in the version it is in." searchable value={step} onChange={setStep}
          data={definition ? activitiesOf(definition).map((activity) => ({ value: activity.id, label: labelOf(activity) })) : []} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button disabled={!step} loading={command.isPending} onClick={() => command.mutate({ name: 'move', body: { activity_id: step } })}>Move</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
