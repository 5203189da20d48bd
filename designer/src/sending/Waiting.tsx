import { Paper, SimpleGrid, Text } from '@mantine/core';
import { count } from '../ui/numbers';
import { streams, type SendingState } from './sending';

/** What has not left yet, by stream. */
export function Waiting({ waiting }: { waiting: SendingState['waiting'] }) {
  return (
    <SimpleGrid cols={2}>
      {streams.map(({ value, label }) => (
        <Paper key={value} withBorder p="md">
          <Text size="sm" className="faint">{label} mail that waits</Text>
          <Text fz={26} fw={600} lh={1.2} style={{ fontVariantNumeric: 'tabular-nums' }}>{count(waiting[value] ?? 0)}</Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
