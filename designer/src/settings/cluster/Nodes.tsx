import { Badge, Group, Table, Text } from '@mantine/core';
import { Moment } from '../../ui/Moment';
import { Empty } from '../../ui/states';
import { roleLabels, type ClusterNode } from './cluster';

const looks = { up: { color: 'green', label: 'Up' }, dead: { color: 'red', label: 'No sign of life' }, stopped: { color: 'gray', label: 'Stopped' } };

export function Nodes({ nodes, at }: { nodes: ClusterNode[]; at: string }) {
  if (nodes.length === 0) return <Empty title="No node has signed in yet">A node does so within seconds of its start.</Empty>;
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table aria-label="Nodes">
        <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>State</Table.Th><Table.Th>Does</Table.Th><Table.Th>Version</Table.Th><Table.Th>Started</Table.Th><Table.Th>Last seen</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {nodes.map(({ name, status, roles, version, started_at, seen_at }) => (
            <Table.Tr key={name}>
              <Table.Td fw={500} maw={220} className="one-line" title={name}>{name}</Table.Td>
              <Table.Td><Badge color={looks[status].color} variant="light" tt="none">{looks[status].label}</Badge></Table.Td>
              <Table.Td><Group gap={4}>{roles.map((role) => <Badge key={role} color="gray" variant="outline" tt="none">{roleLabels[role] ?? role}</Badge>)}</Group></Table.Td>
              <Table.Td><Text size="sm">{version}</Text></Table.Td>
              <Table.Td><Moment at={started_at} /></Table.Td>
              <Table.Td><Moment at={seen_at} asOf={at} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
