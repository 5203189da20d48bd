import { Alert, Button, Center, Group, Loader, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { messageOf } from '../api/problem';

export function Loading() {
  return (
    <Center h="60vh" role="status" aria-label="Loading">
      <Loader size="sm" />
    </Center>
  );
}

/** In place of rows that are on their way. */
export function RowsLoading({ rows = 6, height = 38 }: { rows?: number; height?: number }) {
  return (
    <Stack gap="xs" role="status" aria-label="Loading" p="sm">
      {Array.from({ length: rows }, (_, row) => <Skeleton key={row} height={height} />)}
    </Stack>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} title="This could not be loaded" my="md" role="alert">
      <Group justify="space-between">
        <Text size="sm">{messageOf(error)}</Text>
        {onRetry && <Button size="xs" variant="default" onClick={onRetry}>Try again</Button>}
      </Group>
    </Alert>
  );
}

/** Where there is nothing yet: what would be here, and how to get it. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py={48} px="md">
      <Text fw={600}>{title}</Text>
      {children && <Text size="sm" className="faint" ta="center" maw={480}>{children}</Text>}
      {action && <Group mt="sm">{action}</Group>}
    </Stack>
  );
}
