import { Anchor, Badge, Button, Modal, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { api, data, type Schemas } from '../api/client';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { useContactMessages } from './contacts';

const shown: Record<Schemas['MessageState'], { label: string; color: string }> = {
  queued: { label: 'Queued', color: 'blue' },
  inflight: { label: 'On its way', color: 'blue' },
  accepted: { label: 'Sent', color: 'teal' },
  rejected: { label: 'Refused', color: 'red' },
  deferred: { label: 'Delayed', color: 'orange' },
  unknown: { label: 'Not known', color: 'orange' },
  suppressed: { label: 'Suppressed', color: 'gray' },
  expired: { label: 'Too late', color: 'gray' },
  cancelled: { label: 'Called off', color: 'gray' },
  unconfirmed: { label: 'Not confirmed', color: 'orange' },
};

const bounces: Record<string, string> = {
  hard: 'the address does not exist',
  recipient_soft: 'the mailbox cannot take mail now',
  message_soft: 'this one mail was not wanted',
  sender_fault: 'the sender is not set up as it must be',
};

const times = (count: number) => (count === 1 ? 'once' : `${count} times`);

/** What became of a sent mail, the gravest first; humans and machines apart. */
function outcomeOf(feedback: Schemas['MessageFeedback']): string[] {
  const machines = feedback.machine_opens + feedback.machine_clicks;
  return [
    feedback.complained_at && 'called spam',
    feedback.unsubscribed_at && 'unsubscribed',
    feedback.bounced_at && `bounced: ${bounces[feedback.bounce ?? ''] ?? 'it did not arrive'}`,
    feedback.dropped_at && 'withheld by the provider',
    feedback.delivered_at && 'delivered',
    feedback.opens > 0 && `opened ${times(feedback.opens)}`,
    feedback.clicks > 0 && `clicked ${times(feedback.clicks)}`,
    machines > 0 && `fetched ${times(machines)} by machines, such as scanners`,
  ].filter((word): word is string => Boolean(word));
}

export function Messages({ userId }: { userId: string }) {
  const messages = useContactMessages(userId);
  const [asked, setAsked] = useState<string>();
  if (messages.error) return <Failure error={messages.error} />;
  if (messages.isPending) return <RowsLoading rows={3} />;
  if (messages.items.length === 0) return <Empty title="No e-mail yet">Planned and sent mail is listed here, and why one was not sent.</Empty>;
  return (
    <>
      <Table.ScrollContainer minWidth={480}>
        <Table>
          <Table.Thead><Table.Tr><Table.Th>Template</Table.Th><Table.Th>State</Table.Th><Table.Th>To</Table.Th><Table.Th>When</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
          <Table.Tbody>
            {messages.items.map((message) => (
              <Table.Tr key={message.id}>
                <Table.Td><Anchor component={Link} to={`/templates/${encodeURIComponent(message.template)}`} size="sm" fw={500}>{message.template}</Anchor>{message.reason && <Text size="xs" className="faint">{message.reason}</Text>}{message.feedback && <Text size="xs" className="faint">{outcomeOf(message.feedback).join(' · ')}</Text>}</Table.Td>
                <Table.Td><Badge variant="light" tt="none" color={shown[message.state].color}>{shown[message.state].label}</Badge></Table.Td>
                <Table.Td>{message.to ?? '–'}</Table.Td>
                <Table.Td><Moment at={message.updated_at} /></Table.Td>
                <Table.Td ta="right"><Button size="compact-xs" variant="subtle" onClick={() => setAsked(message.id)}>Why was it allowed?</Button></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <More query={messages} />
      {asked && <BasisDialog id={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

/** What justified a mail as of its hand-over, in the server's words. */
function BasisDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const basis = useQuery({ queryKey: ['basis', id], queryFn: () => data(api.GET('/api/v1/messages/{id}/basis', { params: { path: { id } } })) });
  return (
    <Modal opened onClose={onClose} title="On what basis?">
      {basis.error ? <Failure error={basis.error} /> : basis.isPending ? <RowsLoading rows={3} /> : (
        <Stack gap="xs">{basis.data.explanation.map((line) => <Text key={line} size="sm">{line}</Text>)}</Stack>
      )}
    </Modal>
  );
}
