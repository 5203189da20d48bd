import { Badge, Button, Group, Paper, Select, Table, Text, Title, UnstyledButton } from '@mantine/core';
import { useIsMutating } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data } from '../../api/client';
import { useList } from '../../api/useList';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { DeliveryDialog } from './DeliveryDialog';
import { ReplayDialog } from './ReplayDialog';
import { deletionKey, deliveriesKey, outcomeOf, type Delivery, type Endpoint } from './webhooks';

const states: Record<Delivery['state'], { label: string; color: string }> = {
  pending: { label: 'On its way', color: 'yellow' },
  delivered: { label: 'Delivered', color: 'green' },
  failed: { label: 'Given up', color: 'red' },
};

/** What an endpoint was and is to be told, the latest first. */
export function Deliveries({ endpoint }: { endpoint: Endpoint }) {
  const [state, setState] = useState<string | null>(null);
  const [shown, setShown] = useState<string>();
  const [replaying, setReplaying] = useState(false);
  const isBeingDeleted = useIsMutating({ mutationKey: deletionKey(endpoint) }) > 0;
  const deliveries = useList<Delivery>([...deliveriesKey(endpoint), state],
    (cursor) => data(api.GET('/api/v1/webhook-endpoints/{id}/deliveries', { params: { path: { id: endpoint.id }, query: { limit: 50, ...(state && { state }), ...(cursor && { cursor }) } } })),
    { refetchInterval: isBeingDeleted ? false : 10_000 });
  return (
    <Paper withBorder>
      <Group justify="space-between" p="sm">
        <Title order={3}>What it was told</Title>
        <Group gap="xs">
          <Select aria-label="State" placeholder="All states" clearable w={160} data={Object.entries(states).map(([value, { label }]) => ({ value, label }))} value={state} onChange={setState} />
          <Button variant="default" onClick={() => setReplaying(true)}>Replay a period</Button>
        </Group>
      </Group>
      {deliveries.error ? <Failure error={deliveries.error} onRetry={() => void deliveries.refetch()} /> : deliveries.isPending ? <RowsLoading rows={4} />
        : deliveries.items.length === 0 ? <Empty title={state ? 'None is in this state' : 'Nothing yet'}>{state ? null : endpoint.enabled ? 'What happens from now on is told to it.' : 'It is disabled: nothing is told to it.'}</Empty> : (
          <Table.ScrollContainer minWidth={720}>
            <Table aria-label="Deliveries">
              <Table.Thead><Table.Tr><Table.Th>Fact</Table.Th><Table.Th>Contact</Table.Th><Table.Th>When</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Attempts</Table.Th><Table.Th>Last answer</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {deliveries.items.map((delivery) => (
                  <Table.Tr key={delivery.id}>
                    <Table.Td><UnstyledButton onClick={() => setShown(delivery.id)}><Text size="sm" ff="monospace" td="underline">{delivery.type}</Text></UnstyledButton></Table.Td>
                    <Table.Td>{delivery.user_id}</Table.Td>
                    <Table.Td><Moment at={delivery.occurred_at} /></Table.Td>
                    <Table.Td><Badge color={states[delivery.state].color} variant="light" tt="none">{states[delivery.state].label}</Badge></Table.Td>
                    <Table.Td className="numbers">{delivery.attempts}</Table.Td>
                    <Table.Td maw={280}>
                      <Text size="sm" lineClamp={1} style={{ overflowWrap: 'anywhere' }}>{delivery.last_attempt ? outcomeOf(delivery.last_attempt) : '–'}</Text>
                      {delivery.attempts > 0 && delivery.next_attempt_at && <Text size="xs" className="faint">Tried again <Moment at={delivery.next_attempt_at} /></Text>}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      <More query={deliveries} />
      {shown && <DeliveryDialog endpoint={endpoint} id={shown} onClose={() => setShown(undefined)} />}
      {replaying && <ReplayDialog endpoint={endpoint} onClose={() => setReplaying(false)} />}
    </Paper>
  );
}
