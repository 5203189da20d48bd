import { Anchor, Breadcrumbs, Button, Group, Tabs, Text, Title } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, Outlet, useLocation, useNavigate, useParams } from 'react-router';
import { useMay } from '../session/session';
import { Empty, Failure, Loading } from '../ui/states';
import { useTitle } from '../ui/useTitle';
import { useJourneyCommand } from './commands';
import { hasChanges, pathOf, useJourney } from './journeys';
import { JourneyMenu } from './list/JourneyMenu';
import { PublishDialog } from './publish/PublishDialog';
import { StateBadge } from './StateBadge';

const tabs = [
  { value: 'overview', label: 'Overview' },
  { value: 'design', label: 'Design' },
  { value: 'live', label: 'Live' },
  { value: 'test', label: 'Test' },
  { value: 'instances', label: 'Contacts' },
  { value: 'versions', label: 'Versions' },
];

/** The frame of a journey's pages: its name, its state, what can be done with it. */
export function JourneyLayout() {
  const { id = '' } = useParams();
  const { data: journey, isPending, error, refetch } = useJourney(id);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const tab = pathname.split('/')[3] ?? 'overview';
  const command = useJourneyCommand();
  const mayPublish = useMay('publisher');
  const [publishing, setPublishing] = useState(false);
  useTitle(journey?.name);

  if (isPending) return <Loading />;
  if (error) return <div className="page"><Failure error={error} onRetry={() => void refetch()} /></div>;
  if (!journey) return <div className="page"><Empty title="There is no such journey" action={<Button component={Link} to="/journeys">All journeys</Button>} /></div>;
  const isUpToDate = journey.published_version !== null && !hasChanges(journey);
  return (
    <div className="page-wide">
      <Breadcrumbs fz="sm" mb={4}>
        <Anchor component={Link} to="/journeys" size="sm">Journeys</Anchor>
        <Text size="sm" className="faint">{journey.definition_id}</Text>
      </Breadcrumbs>
      <Group className="top" justify="space-between" wrap="nowrap">
        <Group gap="sm" style={{ minWidth: 0 }} wrap="nowrap">
          <Title order={1} className="one-line">{journey.name || journey.definition_id}</Title>
          <StateBadge journey={journey} />
          <Text size="sm" className="faint" style={{ whiteSpace: 'nowrap' }}>version {journey.version}</Text>
        </Group>
        <Group gap="xs" wrap="nowrap">
          {mayPublish && journey.state === 'published' && <Button variant="default" leftSection={<IconPlayerPause size={16} />} loading={command.isPending} onClick={() => command.mutate({ id, command: 'pause' })}>Pause</Button>}
          {mayPublish && journey.state === 'paused' && <Button variant="default" leftSection={<IconPlayerPlay size={16} />} loading={command.isPending} onClick={() => command.mutate({ id, command: 'resume' })}>Resume</Button>}
          {mayPublish && <Button {...(isUpToDate && { variant: 'default', title: 'What runs is what is drawn: there is nothing to publish.' })} onClick={() => setPublishing(true)}>Publish…</Button>}
          <JourneyMenu journey={journey} />
        </Group>
      </Group>
      <Tabs value={tab} onChange={(value) => void navigate(`${pathOf(id)}/${value}`)} mt="xs">
        <Tabs.List aria-label="Journey">
          {tabs.map(({ value, label }) => <Tabs.Tab key={value} value={value}>{label}</Tabs.Tab>)}
        </Tabs.List>
      </Tabs>
      <div style={{ flex: 1, minHeight: 0, overflow: 'auto', margin: '0 calc(-1 * var(--page-side))', padding: '0 var(--page-side)' }}>
        <Outlet />
      </div>
      {publishing && <PublishDialog id={id} onClose={() => setPublishing(false)} />}
    </div>
  );
}
