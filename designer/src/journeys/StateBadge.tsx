import { Badge } from '@mantine/core';
import type { JourneyState } from './journeys';

const shown: Record<JourneyState, { color: string; label: string }> = {
  draft: { color: 'gray', label: 'Draft' },
  published: { color: 'teal', label: 'Runs' },
  paused: { color: 'orange', label: 'Paused' },
  unpublished: { color: 'gray', label: 'Stopped' },
};

export function StateBadge({ state }: { state: JourneyState }) {
  return <Badge color={shown[state].color} variant="light" tt="none" fw={600} miw="max-content">{shown[state].label}</Badge>;
}
