import { Badge, Group, Stack, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';

export type Change = Schemas['DefinitionChange'];

const shown: Record<Change['kind'], { label: string; color: string }> = {
  added: { label: 'Added', color: 'teal' },
  removed: { label: 'Removed', color: 'red' },
  changed: { label: 'Changed', color: 'blue' },
  renamed: { label: 'Renamed', color: 'blue' },
  connected: { label: 'Connected', color: 'teal' },
  disconnected: { label: 'Disconnected', color: 'red' },
  rule: { label: 'Rule', color: 'grape' },
};

/** A difference between two versions, line by line. */
export function Changes({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return <Text size="sm" className="faint">Nothing differs.</Text>;
  return (
    <Stack gap={6}>
      {changes.map((change, index) => (
        <Group key={index} gap="sm" wrap="nowrap" align="flex-start">
          <Badge variant="light" tt="none" w={104} style={{ flexShrink: 0 }} color={shown[change.kind].color}>{shown[change.kind].label}</Badge>
          <Text size="sm">{change.text}</Text>
        </Group>
      ))}
    </Stack>
  );
}
