import { Button, Group, Modal, Paper, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { kindName, sendingQuery, share, streams } from '../../sending/sending';
import { count } from '../../ui/numbers';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { ConnectionState } from './ConnectionState';
import { connectionsQuery, kindAbout, kindsQuery } from './connections';
import './connections.css';

export function ConnectionsPage() {
  const connections = useQuery(connectionsQuery);
  const [adding, setAdding] = useState(false);
  const add = <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Add a connection</Button>;
  const items = connections.data?.items.map(({ connection }) => connection) ?? [];
  const weights = (stream: 'marketing_weight' | 'transactional_weight') => items.filter(({ enabled }) => enabled).map((each) => each[stream]);
  return (
    <>
      {items.length > 0 && (
        <Group justify="space-between" mb="sm">
          <Text size="sm" className="faint">Your accounts at providers. All of your mail leaves by these.</Text>
          {add}
        </Group>
      )}
      <Paper withBorder>
        {connections.error ? <Failure error={connections.error} onRetry={() => void connections.refetch()} /> : connections.isPending ? <RowsLoading rows={3} />
          : items.length === 0 ? <Empty title="No connection yet" action={add}><OwnProvider /></Empty> : (
            <Table.ScrollContainer minWidth={760}>
              <Table aria-label="Connections">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th><Table.Th>Provider</Table.Th>{streams.map(({ value, label }) => <Table.Th key={value} ta="right">{label}</Table.Th>)}<Table.Th>Limits</Table.Th><Table.Th>State</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((connection) => (
                    <Table.Tr key={connection.key}>
                      <Table.Td fw={500}><Link to={connection.key}>{connection.name}</Link><Text size="xs" className="faint">{connection.key}</Text></Table.Td>
                      <Table.Td>{kindName(connection.type)}</Table.Td>
                      {(['marketing_weight', 'transactional_weight'] as const).map((stream) => (
                        <Table.Td key={stream} className="numbers">{connection.enabled && connection[stream] > 0 ? share(connection[stream], weights(stream)) : 'none'}</Table.Td>
                      ))}
                      <Table.Td>{limits(connection.per_second, connection.per_day)}</Table.Td>
                      <Table.Td><ConnectionState connection={connection} /></Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
      </Paper>
      {adding && <ChooseKind onClose={() => setAdding(false)} />}
    </>
  );
}

function limits(perSecond: number | null, perDay: number | null) {
  const said = [perSecond !== null && `${count(perSecond)} a second`, perDay !== null && `${count(perDay)} a day`].filter((limit) => limit !== false);
  return said.length > 0 ? said.join(', ') : 'none';
}

/** What sends while an account has no connection of its own. */
function OwnProvider() {
  const { data } = useQuery(sendingQuery);
  const own = data?.routes[0]?.type;
  if (!own) return <>Mail leaves by this server’s own provider.</>;
  return own === 'sandbox'
    ? <>All mail goes to this server’s sandbox: you find it in the <Link to="/mailbox">mailbox</Link>, and it reaches nobody. Add a connection to a provider to send for real.</>
    : <>Mail leaves by this server’s own provider, {kindName(own)}. With a connection of yours, all of it leaves by that instead.</>;
}

function ChooseKind({ onClose }: { onClose: () => void }) {
  const kinds = useQuery(kindsQuery);
  return (
    <Modal opened onClose={onClose} title="Which provider?">
      {kinds.error ? <Failure error={kinds.error} onRetry={() => void kinds.refetch()} /> : kinds.isPending ? <RowsLoading rows={6} height={52} /> : (
        <Stack gap="xs">
          {kinds.data.items.map(({ name, display_name }) => (
            <UnstyledButton key={name} component={Link} to={`add/${name}`} className="kind">
              <Text size="sm" fw={600}>{display_name}</Text>
              <Text size="sm" className="faint">{kindAbout[name]}</Text>
            </UnstyledButton>
          ))}
        </Stack>
      )}
    </Modal>
  );
}
