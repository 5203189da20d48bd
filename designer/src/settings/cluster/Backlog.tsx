import { Paper, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { Moment } from '../../ui/Moment';
import { count } from '../../ui/numbers';
import { Empty } from '../../ui/states';
import { duration, type ClusterState } from './cluster';

/** Numbers of the whole, and the shards that are behind. */
export function Backlog({ state: { at, engine, messages, lag_seconds } }: { state: ClusterState }) {
  const behind = engine.shards.filter(({ inbox, timers }) => inbox + timers > 0).sort((one, other) => (one.oldest_at ?? '').localeCompare(other.oldest_at ?? ''));
  const sum = (pick: (shard: ClusterState['engine']['shards'][number]) => number) => engine.shards.reduce((total, shard) => total + pick(shard), 0);
  const numbers = [
    { label: 'Events and commands', value: count(sum(({ inbox }) => inbox)) },
    { label: 'Waits that are over', value: count(sum(({ timers }) => timers)) },
    { label: 'The oldest waits for', value: duration(lag_seconds) },
    { label: 'Shards in work', value: `${count(sum(({ in_work }) => (in_work ? 1 : 0)))} of ${count(engine.shards.length)}` },
    { label: 'Jobs due', value: count(engine.jobs) },
    { label: 'Mail to send', value: count(messages.queued + messages.deferred) },
    { label: 'Mail being handed over', value: count(messages.inflight) },
    { label: 'Providers’ reports', value: count(messages.reports) },
  ];
  return (
    <Stack>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        {numbers.map(({ label, value }) => (
          <Paper key={label} withBorder p="md">
            <Text size="sm" className="faint">{label}</Text>
            <Text fz={26} fw={600} lh={1.2} style={{ fontVariantNumeric: 'tabular-nums' }}>{value}</Text>
          </Paper>
        ))}
      </SimpleGrid>
      <Paper withBorder>
        {behind.length === 0 ? <Empty title="No shard is behind">What comes in is worked at once.</Empty> : (
          <Table.ScrollContainer minWidth={560}>
            <Table aria-label="Shards that are behind">
              <Table.Thead><Table.Tr><Table.Th>Shard</Table.Th><Table.Th ta="right">Events and commands</Table.Th><Table.Th ta="right">Waits that are over</Table.Th><Table.Th>Since</Table.Th><Table.Th>In work</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {behind.map(({ shard, inbox, timers, oldest_at, in_work }) => (
                  <Table.Tr key={shard}>
                    <Table.Td fw={500}>{shard}</Table.Td>
                    <Table.Td className="numbers">{count(inbox)}</Table.Td>
                    <Table.Td className="numbers">{count(timers)}</Table.Td>
                    <Table.Td><Moment at={oldest_at} asOf={at} /></Table.Td>
                    <Table.Td>{in_work ? 'Yes' : 'No'}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Paper>
    </Stack>
  );
}
