import { Anchor, Drawer, Group, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { useJourneyInstances } from '../instances/instances';

/** Who stands at a step of the canvas. */
export function StepContacts({ journey, step, onClose }: { journey: string; step: { id: string; label: string } | null; onClose: () => void }) {
  return (
    <Drawer opened={step !== null} onClose={onClose} title={step?.label} position="right" size="sm" overlayProps={{ backgroundOpacity: 0.15 }}>
      {step && <Contacts journey={journey} activity={step.id} />}
    </Drawer>
  );
}

function Contacts({ journey, activity }: { journey: string; activity: string }) {
  const instances = useJourneyInstances(journey, { activity_id: activity }, 3_000);
  if (instances.error) return <Failure error={instances.error} />;
  if (instances.isPending) return <RowsLoading rows={4} />;
  if (instances.items.length === 0) return <Empty title="Nobody is at this step now">Contacts who wait here, or who failed here, are listed.</Empty>;
  return (
    <Stack gap="xs">
      {instances.items.map((instance) => (
        <Group key={instance.id} justify="space-between" wrap="nowrap" align="flex-start">
          <div style={{ minWidth: 0 }}>
            <Anchor component={Link} to={`/instances/${instance.id}`} size="sm" fw={500}>{instance.user_id}</Anchor>
            {instance.incident && <Text size="xs" c="red">{instance.incident}</Text>}
          </div>
          <Text size="xs" className="faint" ta="right">since <Moment at={instance.since} />{instance.due_at && <><br />until <Moment at={instance.due_at} /></>}</Text>
        </Group>
      ))}
      <More query={instances} />
    </Stack>
  );
}
