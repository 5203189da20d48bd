import { Anchor, Badge, Breadcrumbs, Group, Paper, SegmentedControl, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { api, data, type Schemas } from '../api/client';
import { activitiesOf, kindName, labelOf, typeWords, type ElsaDefinition } from '../journeys/elsa';
import { useStudio } from '../journeys/design/useStudio';
import { pathOf } from '../journeys/journeys';
import { useDefinition } from '../journeys/useDefinition';
import { Instant, Moment } from '../ui/Moment';
import { Failure, Loading } from '../ui/states';
import { useTitle } from '../ui/useTitle';
import { InstanceActions } from './InstanceActions';
import { InstanceState } from './InstanceState';
import classes from './instance.module.css';

/** One contact's trip: what happened as a list, or on Studio's canvas. */
export function InstancePage() {
  const { id = '' } = useParams();
  const [shown, setShown] = useState<'journal' | 'canvas'>('journal');
  const { data: instance, isPending, error, refetch } = useQuery({
    queryKey: ['instances', id],
    queryFn: () => data(api.GET('/api/v1/instances/{id}', { params: { path: { id } } })),
    refetchInterval: 4_000,
  });
  const { data: definition } = useDefinition(instance?.definition_id ?? '', instance?.version ?? undefined, Boolean(instance?.definition_id));
  useStudio();
  useTitle(instance && `Trip of ${instance.user_id}`);
  if (isPending) return <Loading />;
  if (error) return <div className="page"><Failure error={error} onRetry={() => void refetch()} /></div>;
  return (
    <div className="page-wide">
      <Breadcrumbs fz="sm" mb={4}>
        <Anchor component={Link} to="/journeys" size="sm">Journeys</Anchor>
        {instance.definition_id && <Anchor component={Link} to={`${pathOf(instance.definition_id)}/instances`} size="sm">{definition?.name ?? instance.definition_id}</Anchor>}
        <Text size="sm" className="faint">{instance.user_id}</Text>
      </Breadcrumbs>
      <Group justify="space-between" mb="md">
        <Group gap="sm">
          <Title order={1}>Trip of <Anchor component={Link} to={`/contacts/${encodeURIComponent(instance.user_id)}`} inherit>{instance.user_id}</Anchor></Title>
          <InstanceState status={instance.status} subStatus={instance.sub_status} />
          {instance.is_held && <Badge color="orange" variant="light" tt="none">The journey is paused</Badge>}
        </Group>
        <Group gap="xs">
          <SegmentedControl size="xs" aria-label="Show" value={shown} onChange={(value) => setShown(value)} data={[{ value: 'journal', label: 'Journal' }, { value: 'canvas', label: 'Canvas' }]} />
          <InstanceActions instance={{ id, journey: instance.definition_id, version: instance.version, step: instance.journal.findLast((entry) => entry.activity_id)?.activity_id ?? null, running: instance.status === 'Running', failed: instance.sub_status === 'Faulted' }} />
        </Group>
      </Group>
      {shown === 'journal' ? <Journal instance={instance} definition={definition} /> : <iframe className={classes.studio} title="The trip on the canvas" src={`/studio/?instance=${encodeURIComponent(id)}`} />}
    </div>
  );
}

type Entry = Schemas['JournalEntry'];

const events: Record<string, string> = {
  Entered: 'Entered', Completed: 'Done', Suspended: 'Waits', Faulted: 'Failed', Retried: 'Tried again', Finished: 'Came to the end', Exited: 'Left early', Cancelled: 'Taken out', Moved: 'Moved', Stayed: 'Stayed', LaidAside: 'Laid aside',
};

function tell({ event, outcome, text }: Entry) {
  if (text && (event === 'Completed' || event === 'Suspended')) return text;
  const exit = outcome && outcome !== 'Done' ? `: ${typeWords(outcome)}` : '';
  return `${events[event] ?? event}${exit}${text ? ` · ${text}` : ''}`;
}

function kindOf({ activity_id, activity_type }: Entry, names: Map<string, string>) {
  const kind = activity_type ? kindName(activity_type) : '';
  return names.get(activity_id ?? '') === kind ? '' : kind;
}

function Journal({ instance, definition }: { instance: Schemas['InstanceDetails']; definition: ElsaDefinition | undefined }) {
  // A trigger's own "done" tells nothing beside the entry before it.
  const entries = instance.journal.filter((entry, index, all) => !(entry.event === 'Completed' && all[index - 1]?.event === 'Entered' && all[index - 1]?.activity_id === entry.activity_id));
  const names = new Map(definition ? activitiesOf(definition).map((activity) => [activity.id, labelOf(activity)]) : []);
  return (
    <Paper withBorder p="lg" className={classes.journal}>
      <Text size="sm" className="faint" mb="md">
        Version {instance.version} · entered <Instant at={instance.started_at} />{instance.due_at && <> · moves on <Moment at={instance.due_at} /></>}
      </Text>
      <Timeline bulletSize={14} lineWidth={2} active={entries.length}>
        {entries.map((entry, index) => (
          <Timeline.Item key={index} color={entry.event === 'Faulted' ? 'red' : 'sea'} title={<Text size="sm" fw={500}>{entry.activity_id ? (names.get(entry.activity_id) ?? entry.activity_id) : 'The journey'} <Text span size="sm" className="faint">{kindOf(entry, names)}</Text></Text>}>
            <Text size="sm" className="sentence">{tell(entry)}</Text>
            <Text size="xs" className="faint"><Instant at={entry.at} /></Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Paper>
  );
}
