import { Anchor, Group, Paper, Title } from '@mantine/core';
import { Link } from 'react-router';
import { JourneyTable } from '../journeys/list/JourneyTable';
import { useJourneys } from '../journeys/journeys';
import { Empty, Failure, RowsLoading } from '../ui/states';

export function RunningJourneys() {
  const journeys = useJourneys();
  const running = journeys.items.filter((item) => item.state === 'published' || item.state === 'paused');
  return (
    <Paper withBorder>
      <Group justify="space-between" p="md" pb="xs">
        <Title order={2}>Running journeys</Title>
        <Anchor component={Link} to="/journeys" size="sm">All journeys</Anchor>
      </Group>
      {journeys.error ? <Failure error={journeys.error} onRetry={() => void journeys.refetch()} />
        : journeys.isPending ? <RowsLoading />
          : running.length === 0 ? <Empty title="No journey runs">Publish one, and it is listed here with its contacts.</Empty>
            : <JourneyTable journeys={running} />}
    </Paper>
  );
}
