import { Badge } from '@mantine/core';

const shown: Record<string, { label: string; color: string }> = {
  Suspended: { label: 'Waiting', color: 'orange' },
  Executing: { label: 'Moving', color: 'blue' },
  Pending: { label: 'Moving', color: 'blue' },
  Finished: { label: 'Completed', color: 'teal' },
  Cancelled: { label: 'Left early', color: 'gray' },
  Faulted: { label: 'Failed', color: 'red' },
};

export function InstanceState({ status, subStatus }: { status: string; subStatus: string }) {
  const { label, color } = shown[subStatus] ?? { label: status, color: 'gray' };
  return <Badge variant="light" tt="none" color={color}>{label}</Badge>;
}
