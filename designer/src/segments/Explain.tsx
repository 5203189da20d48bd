import { Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { api, data } from '../api/client';

/** Why a contact is in the segment, condition by condition. */
export function Explain({ segmentKey, changed }: { segmentKey: string; changed: boolean }) {
  const [userId, setUserId] = useState('');
  const explain = useMutation({
    mutationFn: () => data(api.GET('/api/v1/segments/{key}/explain', { params: { path: { key: segmentKey }, query: { user_id: userId.trim() } } })),
  });
  return (
    <Paper withBorder p="md">
      <Title order={2} mb={4}>Why is a contact in it?</Title>
      <Text size="sm" className="faint" mb="sm">{changed ? 'By the rule as it was last saved.' : 'Condition by condition.'}</Text>
      <form onSubmit={(event) => { event.preventDefault(); explain.mutate(); }}>
        <Group gap="xs" wrap="nowrap">
          <TextInput aria-label="User id" placeholder="User id" style={{ flex: 1 }} value={userId} onChange={(event) => setUserId(event.currentTarget.value)} />
          <Button type="submit" variant="default" disabled={!userId.trim()} loading={explain.isPending}>Ask</Button>
        </Group>
      </form>
      {explain.data && (
        <Stack gap="xs" mt="md" aria-live="polite">
          <Text size="sm" fw={600}>{explain.data.in ? 'In the segment' : 'Not in the segment'}</Text>
          {explain.data.parts.map((part, index) => (
            <Group key={index} gap="xs" wrap="nowrap" align="flex-start">
              {part.holds ? <IconCheck size={16} color="var(--mantine-color-teal-6)" aria-label="holds" style={{ flexShrink: 0 }} /> : <IconX size={16} color="var(--mantine-color-red-6)" aria-label="does not hold" style={{ flexShrink: 0 }} />}
              <div>
                <Text size="sm" ff="monospace" fz={12.5}>{part.text}</Text>
                {part.value !== undefined && part.value !== null && <Text size="xs" className="faint">is {JSON.stringify(part.value)}</Text>}
              </div>
            </Group>
          ))}
        </Stack>
      )}
    </Paper>
  );
}
