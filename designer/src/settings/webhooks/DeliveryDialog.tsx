import { Button, Code, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import { api, data } from '../../api/client';
import { Instant } from '../../ui/Moment';
import { Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { deliveriesKey, outcomeOf, pathOf, type Endpoint } from './webhooks';

/** One delivery: what is sent, and every attempt at it. */
export function DeliveryDialog({ endpoint, id, onClose }: { endpoint: Endpoint; id: string; onClose: () => void }) {
  const queries = useQueryClient();
  const details = useQuery({
    queryKey: [...deliveriesKey(endpoint), 'one', id],
    queryFn: () => data(api.GET('/api/v1/webhook-endpoints/{id}/deliveries/{delivery}', { params: { path: { id: endpoint.id, delivery: id } } })),
  });
  const replay = useMutation({
    mutationFn: () => call('POST', pathOf(endpoint, `/deliveries/${id}/replay`)),
    onSuccess: async () => {
      toast('It is on its way again.');
      await queries.invalidateQueries({ queryKey: deliveriesKey(endpoint) });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title="Delivery" size="lg">
      {details.error ? <Failure error={details.error} onRetry={() => void details.refetch()} /> : details.isPending ? <RowsLoading rows={4} /> : (
        <Stack>
          <Text size="sm" className="faint">webhook-id: <Code>{id}</Code></Text>
          <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{JSON.stringify(JSON.parse(details.data.body), null, 2)}</Code>
          {details.data.attempts.length === 0 ? <Text size="sm">It was not tried yet.</Text> : (
            <Table aria-label="Attempts">
              <Table.Thead><Table.Tr><Table.Th>Attempt</Table.Th><Table.Th>When</Table.Th><Table.Th ta="right">Took</Table.Th><Table.Th>Answer</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {details.data.attempts.map((attempt) => (
                  <Table.Tr key={attempt.attempt} style={{ verticalAlign: 'top' }}>
                    <Table.Td>{attempt.attempt}</Table.Td><Table.Td><Instant at={attempt.at} /></Table.Td><Table.Td className="numbers">{attempt.latency_ms} ms</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}><Text size="sm">{outcomeOf(attempt)}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Close</Button><Button onClick={() => replay.mutate()} loading={replay.isPending}>Send it again</Button></Group>
        </Stack>
      )}
    </Modal>
  );
}
