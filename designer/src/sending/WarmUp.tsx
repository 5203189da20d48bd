import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { count } from '../ui/numbers';
import { toast } from '../ui/toast';
import { sendingKey } from './sending';
import { WarmUpChart } from './WarmUpChart';

export type WarmUpState = Schemas['WarmUpState'];

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

interface Props {
  domain: string;
  warmUp: WarmUpState;
  isAdmin: boolean;
  onChange: () => void;
}

export function WarmUp({ domain, warmUp, isAdmin, onChange }: Props) {
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: () => call('DELETE', `/sending/warm-ups/${encodeURIComponent(domain)}`),
    onSuccess: async () => {
      toast('The warm-up has ended.');
      await queries.invalidateQueries({ queryKey: sendingKey });
    },
  });
  const confirm = () => modals.openConfirmModal({
    title: `End the warm-up of ${domain}?`,
    children: <Text size="sm">From now on it sends as much as there is. Mailbox providers may refuse or junk a lot of mail from a domain they hardly know.</Text>,
    labels: { confirm: 'End it', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => end.mutate(),
  });
  const isDone = warmUp.volume === null;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3}>{isDone ? 'Warm-up: done' : `Warm-up: day ${warmUp.day} of ${warmUp.days}`}</Title>
        {isAdmin && (
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={onChange}>Begin anew</Button>
            <Button size="compact-sm" variant="subtle" color="red" loading={end.isPending} onClick={confirm}>End it</Button>
          </Group>
        )}
      </Group>
      {isDone ? <Text size="sm">The domain is warm: marketing mail is not held back any more.</Text> : (
        <Text size="sm">
          Today’s volume (UTC) is <b>{count(warmUp.volume!)}</b>, of which <b>{count(warmUp.left ?? 0)}</b> may still be sent.
          {warmUp.backlog_done && <> What waits now will have left on <b>{day.format(new Date(warmUp.backlog_done))}</b>, if all goes well.</>}
        </Text>
      )}
      <WarmUpChart schedule={warmUp.schedule} today={warmUp.day} />
      <Text size="xs" className="faint">A day leads to the next one once half of its volume was used; a day with too many complaints or bounces goes a step back. Receipts and the like are not held back, but count.</Text>
    </Stack>
  );
}
