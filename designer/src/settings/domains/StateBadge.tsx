import { Badge } from '@mantine/core';
import type { CheckState } from './domains';

const shown: Record<CheckState, { color: string; label: string }> = {
  pass: { color: 'green', label: 'Passed' },
  warning: { color: 'yellow', label: 'Could be better' },
  fail: { color: 'red', label: 'Failed' },
  not_checked: { color: 'gray', label: 'Not checked' },
};

export function StateBadge({ state }: { state: CheckState }) {
  const { color, label } = shown[state];
  return <Badge color={color} variant="light" tt="none">{label}</Badge>;
}
