import { Anchor, Text, Timeline } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '../api/client';
import { pathOf } from '../journeys/journeys';
import { Instant } from '../ui/Moment';
import { More } from '../ui/More';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { useTrace } from './contacts';

type Entry = Schemas['TraceEntry'];

/** A trigger's own "done" tells nothing beside the entry before it. */
function isEntrysEnd(entry: Entry, before: Entry | undefined) {
  return entry.event === 'Completed' && before?.event === 'Entered' && before.instance_id === entry.instance_id && before.activity_id === entry.activity_id;
}

/** Every decision on the contact, in plain words: why it got a mail, and why not. */
export function Trace({ userId }: { userId: string }) {
  const trace = useTrace(userId);
  if (trace.error) return <Failure error={trace.error} />;
  if (trace.isPending) return <RowsLoading />;
  if (trace.items.length === 0) return <Empty title="Nothing happened yet">Each decision about this contact will be told here.</Empty>;
  return (
    <>
      <Timeline bulletSize={12} lineWidth={2} p="lg" active={trace.items.length}>
        {trace.items.filter((entry, index, all) => !isEntrysEnd(entry, all[index - 1])).map((entry, index) => (
          <Timeline.Item key={index} color={entry.event === 'Faulted' ? 'red' : 'sea'} title={<Text size="sm" fw={500} className="sentence">{entry.reason}</Text>}>
            <Text size="xs" className="faint">
              <Instant at={entry.at} />
              {entry.journey && <> · <Anchor inherit component={Link} to={entry.instance_id ? `/instances/${entry.instance_id}` : `${pathOf(entry.journey)}/overview`}>{entry.journey_name ?? entry.journey}</Anchor></>}
              {entry.activity_name && ` · ${entry.activity_name}`}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      <More query={trace} />
    </>
  );
}
