import { Anchor, Badge, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import { useMay } from '../session/session';
import { Moment } from '../ui/Moment';
import { count } from '../ui/numbers';
import { connectionSubject, kindName, share, streams, type RouteState, type SendingState } from './sending';

/** The ways out, and whether they are open. */
export function RoutesCard({ state: { routes, stops } }: { state: SendingState }) {
  const isAdmin = useMay('admin');
  return (
    <Paper withBorder>
      <Group justify="space-between" p="md" pb="xs">
        <Title order={2}>Routes</Title>
        {isAdmin && <Anchor component={Link} to="/settings/connections" size="sm">Connections</Anchor>}
      </Group>
      {routes.length === 0 ? <Text size="sm" px="md" pb="md">No connection is switched on and in the account’s region: all mail waits.</Text> : (
        <Table.ScrollContainer minWidth={640}>
          <Table aria-label="Routes">
            <Table.Thead>
              <Table.Tr><Table.Th>Route</Table.Th><Table.Th>Provider</Table.Th>{streams.map(({ value, label }) => <Table.Th key={value} ta="right">{label}</Table.Th>)}<Table.Th ta="right">A second</Table.Th><Table.Th ta="right">Today</Table.Th><Table.Th>State</Table.Th></Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {routes.map((route) => (
                <Table.Tr key={route.key}>
                  <Table.Td fw={500}>{route.key === route.type ? 'This server’s own' : route.key}</Table.Td>
                  <Table.Td>{kindName(route.type)}</Table.Td>
                  {streams.map(({ value }) => <Table.Td key={value} className="numbers">{share(route[`${value}_weight`], routes.map((each) => each[`${value}_weight`]))}</Table.Td>)}
                  <Table.Td className="numbers">{route.per_second === null ? 'no limit' : count(route.per_second)}</Table.Td>
                  <Table.Td className="numbers">{route.per_day === null ? 'no limit' : `${count(route.today ?? 0)} of ${count(route.per_day)}`}</Table.Td>
                  <Table.Td><State route={route} isStopped={stops.some(({ subject }) => subject === connectionSubject(route.key))} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Paper>
  );
}

function State({ route, isStopped }: { route: RouteState; isStopped: boolean }) {
  if (isStopped) return <Badge color="red" variant="light" tt="none">Stopped</Badge>;
  if (!route.open_until) return <Badge color="green" variant="light" tt="none">Open</Badge>;
  return <Stack gap={2} align="flex-start"><Badge color="yellow" variant="light" tt="none">Paused</Badge><Text size="xs" className="faint">It fails; tried again <Moment at={route.open_until} />.</Text></Stack>;
}
