import { Box, Table, Text } from '@mantine/core';
import { count } from '../ui/numbers';
import './warmUpChart.css';

const height = 120;

/** Each day's volume as a bar, today's marked; the same as a table for whom bars say nothing. */
export function WarmUpChart({ schedule, today }: { schedule: number[]; today: number }) {
  const most = Math.max(...schedule, 1);
  const step = 100 / schedule.length;
  const now = schedule[today - 1];
  const says = `Volume of each day, from ${count(schedule[0] ?? 0)} mails on day 1 to ${count(schedule.at(-1) ?? 0)} on day ${schedule.length}`;
  return (
    <Box>
      <svg className="warm-up" role="img" aria-label={says} width="100%" height={height} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none">
        {now !== undefined && <rect x={(today - 1) * step} width={step} y={0} height={height} className="now" />}
        {schedule.map((volume, index) => {
          const bar = Math.max(2, (volume / most) * height);
          return <rect key={index} x={index * step + step * 0.1} width={step * 0.8} y={height - bar} height={bar} className={index + 1 < today ? 'past' : index + 1 === today ? 'today' : 'ahead'}><title>{`Day ${index + 1}: ${count(volume)}`}</title></rect>;
        })}
      </svg>
      <Box className="warm-up-scale faint"><span>Day 1: {count(schedule[0] ?? 0)}</span>{now !== undefined && today > 1 && today < schedule.length && <span>Today: {count(now)}</span>}<span>Day {schedule.length}: {count(schedule.at(-1) ?? 0)}</span></Box>
      <details>
        <summary><Text span size="xs" className="faint">All days as a table</Text></summary>
        <Table aria-label="Volume of each day" w="auto">
          <Table.Thead><Table.Tr><Table.Th ta="right">Day</Table.Th><Table.Th ta="right">Mails</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {schedule.map((volume, index) => <Table.Tr key={index} fw={index + 1 === today ? 600 : undefined}><Table.Td className="numbers">{index + 1}{index + 1 === today && ' (today)'}</Table.Td><Table.Td className="numbers">{count(volume)}</Table.Td></Table.Tr>)}
          </Table.Tbody>
        </Table>
      </details>
    </Box>
  );
}
