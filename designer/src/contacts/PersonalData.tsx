import { Button, Group, List, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconDownload, IconTrash } from '@tabler/icons-react';
import { useNavigate } from 'react-router';
import { call } from '../api/call';
import { toast } from '../ui/toast';

/** What a person may ask of its data: a copy, and its erasure. */
export function PersonalData({ userId }: { userId: string }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const path = `/contacts/${encodeURIComponent(userId)}`;
  const erase = useMutation({
    mutationFn: () => call<{ done_at: string | null }>('POST', `${path}/erase`),
    onSuccess: async ({ done_at }) => {
      toast(done_at ? 'The contact is erased.' : 'The contact is being erased: its trips are ended first, which takes moments.');
      await navigate('/contacts');
      await queries.invalidateQueries({ queryKey: ['contacts', 'list'] });
    },
  });
  const confirm = () => modals.openConfirmModal({
    title: `Erase ${userId} for good?`,
    children: (
      <>
        <Text size="sm" mb="xs">Nothing takes this back, and no copy is kept: export first what you need. What is lost:</Text>
        <List size="sm" spacing={4}>
          <List.Item>the profile with its address, attributes, tags and consents;</List.Item>
          <List.Item>its events, its trips through journeys and what was decided in them; trips under way end;</List.Item>
          <List.Item>mail that waits, which is called off, and captured mail. That mail was sent is still counted, without a name.</List.Item>
        </List>
        <Text size="sm" mt="xs">Its addresses are kept as hashes, so that they are never mailed again.</Text>
      </>
    ),
    labels: { confirm: `Erase ${userId}`, cancel: 'Cancel' },
    confirmProps: { color: 'red.9' },
    onConfirm: () => erase.mutate(),
  });
  return (
    <Group gap="xs" wrap="nowrap">
      <Button component="a" href={`/api/v1${path}/export`} download={`${userId}.json`} variant="default" leftSection={<IconDownload size={16} />}>Export</Button>
      <Button variant="subtle" color="red" leftSection={<IconTrash size={16} />} onClick={confirm} loading={erase.isPending}>Erase</Button>
    </Group>
  );
}
