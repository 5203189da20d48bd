import { Badge, Group } from '@mantine/core';
import { hasChanges, type JourneyItem, type JourneyState } from './journeys';

const shown: Record<JourneyState, { color: string; label: string }> = {
  draft: { color: 'gray', label: 'Draft' },
  published: { color: 'teal', label: 'Runs' },
  paused: { color: 'orange', label: 'Paused' },
  unpublished: { color: 'gray', label: 'Stopped' },
};

/** How a journey stands, and whether what is drawn differs from what runs. */
export function StateBadge({ journey }: { journey: JourneyItem }) {
  const { color, label } = shown[journey.state];
  return (
    <Group gap={6}>
      <Badge color={color} variant="light" tt="none" fw={600} miw="max-content">{label}</Badge>
      {hasChanges(journey) && <Badge color="yellow" variant="light" tt="none" fw={600} miw="max-content" title={`Version ${journey.published_version} runs; version ${journey.latest_version} is a draft.`}>Changes not published</Badge>}
    </Group>
  );
}
