import { Button, Group, Modal, Paper, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { EndpointForm } from './EndpointForm';
import { EndpointState } from './EndpointState';
import { SecretOnce } from './SecretOnce';
import { allTypes, endpointsQuery, type Endpoint } from './webhooks';

/** Where facts are told to. */
export function WebhooksPage() {
  const endpoints = useQuery(endpointsQuery);
  const [adding, setAdding] = useState(false);
  const add = <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Add an endpoint</Button>;
  const items = endpoints.data?.items ?? [];
  return (
    <>
      {items.length > 0 && (
        <Group justify="space-between" mb="sm">
          <Text size="sm" className="faint">Your systems that are told what happens, by signed calls.</Text>
          {add}
        </Group>
      )}
      <Paper withBorder>
        {endpoints.error ? <Failure error={endpoints.error} onRetry={() => void endpoints.refetch()} /> : endpoints.isPending ? <RowsLoading rows={3} />
          : items.length === 0 ? <Empty title="No webhook yet" action={add}>Have a system of yours told what happens: contacts entering and leaving journeys, mail that bounces or is opened, consents.</Empty>
            : <Endpoints endpoints={items} />}
      </Paper>
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function Endpoints({ endpoints }: { endpoints: Endpoint[] }) {
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table aria-label="Webhook endpoints">
        <Table.Thead><Table.Tr><Table.Th>Endpoint</Table.Th><Table.Th>Is told</Table.Th><Table.Th>State</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {endpoints.map((endpoint) => (
            <Table.Tr key={endpoint.id}>
              <Table.Td fw={500} style={{ overflowWrap: 'anywhere' }}><Link to={endpoint.id}>{endpoint.name}</Link><Text size="xs" className="faint">{endpoint.url}</Text></Table.Td>
              <Table.Td maw={320}><Text size="sm">{endpoint.types.includes(allTypes) ? 'Everything' : endpoint.types.join(', ')}</Text></Table.Td>
              <Table.Td><EndpointState endpoint={endpoint} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const [secret, setSecret] = useState<string>();
  return (
    <Modal opened onClose={onClose} title="Add a webhook endpoint" size="lg">
      {secret ? <SecretOnce secret={secret} onClose={onClose} /> : <EndpointForm onMade={(made) => setSecret(made.secret)} onCancel={onClose} />}
    </Modal>
  );
}
