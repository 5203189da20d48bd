import { SimpleGrid, Stack } from '@mantine/core';
import { PageHeader } from '../ui/PageHeader';
import { useSession } from '../session/session';
import { FirstSteps } from './FirstSteps';
import { Numbers } from './Numbers';
import { RunningJourneys } from './RunningJourneys';
import { SampleEvent } from './SampleEvent';

export function HomePage() {
  const { data: session } = useSession();
  return (
    <div className="page">
      <PageHeader title="Home" about={`Good to see you${session ? `, ${session.name}` : ''}. This is what runs now.`} />
      <Stack>
        <Numbers />
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <SampleEvent />
          <FirstSteps />
        </SimpleGrid>
        <RunningJourneys />
      </Stack>
    </div>
  );
}
