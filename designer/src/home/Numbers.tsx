import { Paper, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { useJourneys, type JourneyItem } from '../journeys/journeys';
import { count } from '../ui/numbers';

const sum = (items: JourneyItem[], pick: (item: JourneyItem) => number) => items.reduce((total, item) => total + pick(item), 0);

export function Numbers() {
  const { items, isPending } = useJourneys();
  const numbers = [
    { label: 'Journeys that run', value: items.filter((item) => item.state === 'published').length },
    { label: 'Contacts in a journey now', value: sum(items, (item) => item.stats.waiting) },
    { label: 'Entered in the last 7 days', value: sum(items, (item) => item.stats.entered_7d) },
    { label: 'E-mails in the last 7 days', value: sum(items, (item) => item.stats.emails_7d) },
  ];
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      {numbers.map(({ label, value }) => (
        <Paper key={label} withBorder p="md">
          <Text size="sm" className="faint">{label}</Text>
          {isPending ? <Skeleton h={30} w={60} mt={4} /> : <Text fz={26} fw={600} lh={1.2} style={{ fontVariantNumeric: 'tabular-nums' }}>{count(value)}</Text>}
        </Paper>
      ))}
    </SimpleGrid>
  );
}
