import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTitle } from './useTitle';

/** The top of a page: what it is, a line about it, and what can be done. */
export function PageHeader({ title, badge, about, actions }: { title: string; badge?: ReactNode; about?: ReactNode; actions?: ReactNode }) {
  useTitle(title);
  return (
    <Group className="top" justify="space-between" align="flex-start" mb="md" wrap="nowrap">
      <Stack gap={2} style={{ minWidth: 0 }}>
        <Group gap="sm">
          <Title order={1}>{title}</Title>
          {badge}
        </Group>
        {about && <Text size="sm" className="faint">{about}</Text>}
      </Stack>
      {actions && <Group gap="xs" wrap="nowrap">{actions}</Group>}
    </Group>
  );
}
