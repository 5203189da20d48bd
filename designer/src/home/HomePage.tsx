import { SimpleGrid, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { sendingQuery } from '../sending/sending';
import { SendingTrouble } from '../sending/SendingTrouble';
import { PageHeader } from '../ui/PageHeader';
import { useMay, useSession } from '../session/session';
import { FirstSteps } from './FirstSteps';
import { Numbers } from './Numbers';
import { RunningJourneys } from './RunningJourneys';
import { SampleEvent } from './SampleEvent';

export function HomePage() {
  const { data: session } = useSession();
  const sending = useQuery(sendingQuery);
  const maySendEvents = useMay('publisher');
  return (
    <div className="page">
      <PageHeader title="Home" about={`Good to see you${session ? `, ${session.name}` : ''}. This is what runs now.`} />
      <Stack>
        {sending.data && <SendingTrouble state={sending.data} />}
        <Numbers />
        <SimpleGrid cols={{ base: 1, lg: maySendEvents ? 2 : 1 }}>
          {maySendEvents && <SampleEvent />}
          <FirstSteps />
        </SimpleGrid>
        <RunningJourneys />
      </Stack>
    </div>
  );
}
