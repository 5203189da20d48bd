import { Accordion, Group, Text } from '@mantine/core';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { useContactEvents } from './contacts';

export function Events({ userId }: { userId: string }) {
  const events = useContactEvents(userId);
  if (events.error) return <Failure error={events.error} />;
  if (events.isPending) return <RowsLoading rows={3} />;
  if (events.items.length === 0) return <Empty title="No events">What your applications report of this contact is listed here.</Empty>;
  return (
    <>
      <Accordion keepMounted={false}>
        {events.items.map((event) => (
          <Accordion.Item key={event.event_id} value={event.event_id}>
            <Accordion.Control>
              <Group justify="space-between"><Text size="sm" fw={500}>{event.event_type}</Text><Text size="sm" className="faint"><Moment at={event.occurred_at} /></Text></Group>
            </Accordion.Control>
            <Accordion.Panel><pre className="plain">{JSON.stringify(event.payload, null, 2)}</pre></Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      <More query={events} />
    </>
  );
}
