import { Group, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { lookOf } from '../activityLook';
import { activitiesOf, kindName, labelOf, literal, type ElsaActivity, type ElsaDefinition } from '../elsa';
import { describeDuration } from '../../ui/duration';

/** The journey's steps in a list, for who does not want to read a canvas. */
export function Outline({ definition }: { definition: ElsaDefinition }) {
  const activities = activitiesOf(definition);
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">Its steps</Title>
      {activities.length === 0 && <Text size="sm" className="faint">Nothing is drawn yet. Begin under Design with a trigger.</Text>}
      <Stack gap="xs">
        {activities.map((activity) => {
          const { icon: Icon, color } = lookOf(activity.type);
          return (
            <Group key={activity.id} gap="sm" wrap="nowrap">
              <ThemeIcon variant="light" color={color} size={30}><Icon size={17} /></ThemeIcon>
              <div style={{ minWidth: 0 }}>
                <Text size="sm" fw={500} className="one-line">{labelOf(activity)}</Text>
                <Text size="xs" className="one-line faint">{detailOf(activity)}</Text>
              </div>
            </Group>
          );
        })}
      </Stack>
    </Paper>
  );
}

function detailOf(activity: ElsaActivity) {
  const kind = kindName(activity.type);
  const [template, event, duration, segment] = ['template', 'eventType', 'duration', 'segment'].map((input) => literal(activity, input));
  if (template) return `${kind}: ${template}`;
  if (event) return `${kind}: ${event}`;
  if (duration) return `${kind}: ${/^P/.test(duration) ? describeDuration(duration) : duration}`;
  return segment ? `${kind}: ${segment}` : kind;
}
