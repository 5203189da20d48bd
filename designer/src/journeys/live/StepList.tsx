import { Button, Group, Paper, Table, Text, ThemeIcon } from '@mantine/core';
import { count } from '../../ui/numbers';
import { lookOf } from '../activityLook';
import type { StepNode } from './graph';

/** The canvas as a list: for who does not see it, and for small screens. */
export function StepList({ nodes, onChoose }: { nodes: StepNode[]; onChoose: (id: string) => void }) {
  return (
    <Paper withBorder mb="md">
      <Table.ScrollContainer minWidth={480}>
        <Table>
          <Table.Thead>
            <Table.Tr><Table.Th>Step</Table.Th><Table.Th className="numbers">Passed</Table.Th><Table.Th className="numbers">Waiting</Table.Th><Table.Th className="numbers">Failed</Table.Th><Table.Th aria-label="Actions" /></Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {nodes.map(({ id, data: { label, kind, type, stats } }) => {
              const { icon: Icon, color } = lookOf(type);
              return (
                <Table.Tr key={id}>
                  <Table.Td>
                    <Group gap="sm" wrap="nowrap">
                      <ThemeIcon variant="filled" color={color} size={28}><Icon size={17} /></ThemeIcon>
                      <div style={{ minWidth: 0 }}><Text size="sm" fw={500}>{label}</Text><Text size="xs" className="faint">{kind}</Text></div>
                    </Group>
                  </Table.Td>
                  <Table.Td className="numbers">{count(stats.passed)}</Table.Td>
                  <Table.Td className="numbers">{count(stats.waiting)}</Table.Td>
                  <Table.Td className="numbers"><Text span inherit c={stats.failed > 0 ? 'red' : undefined} fw={stats.failed > 0 ? 600 : undefined}>{count(stats.failed)}</Text></Table.Td>
                  <Table.Td ta="right"><Button size="compact-xs" variant="subtle" aria-label={`Who is here: ${label}`} onClick={() => onChoose(id)}>Who is here</Button></Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
