import { Alert, Badge, Button, Checkbox, Code, CopyButton, Group, Modal, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';
import { useList } from '../api/useList';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';

const key = ['api-keys'];

const scopes: { value: string; label: string }[] = [
  { value: 'events:write', label: 'Send events' },
  { value: 'contacts:read', label: 'Read contacts' },
  { value: 'contacts:write', label: 'Change contacts' },
  { value: 'segments:read', label: 'Read segments' },
  { value: 'segments:write', label: 'Change segments' },
  { value: 'templates:read', label: 'Read templates' },
  { value: 'templates:write', label: 'Change templates' },
  { value: 'journeys:read', label: 'Read journeys' },
  { value: 'journeys:write', label: 'Change drafts of journeys' },
  { value: 'journeys:publish', label: 'Publish and act on journeys' },
  { value: 'messages:read', label: 'Read messages' },
  { value: 'webhooks:read', label: 'Read outgoing webhooks' },
  { value: 'webhooks:write', label: 'Change outgoing webhooks' },
  { value: 'admin', label: 'Everything' },
];

export function ApiKeysPage() {
  const queries = useQueryClient();
  const keys = useList<Schemas['Key']>(key, (cursor) => data(api.GET('/api/v1/api-keys', { params: { query: { limit: 100, ...(cursor && { cursor }) } } })));
  const [making, setMaking] = useState(false);
  const revoke = useMutation({
    mutationFn: (id: string) => call('DELETE', `/api-keys/${id}`),
    onSuccess: async () => {
      toast('The key is revoked.');
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const confirm = (item: Schemas['Key']) => modals.openConfirmModal({
    title: `Revoke “${item.name}”?`,
    children: <Text size="sm">Whatever uses this key is refused from now on.</Text>,
    labels: { confirm: 'Revoke', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => revoke.mutate(item.id),
  });
  return (
    <>
      <Group justify="flex-end" mb="sm"><Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>Make a key</Button></Group>
      <Paper withBorder>
        {keys.error ? <Failure error={keys.error} /> : keys.isPending ? <RowsLoading rows={3} /> : (
          <Table.ScrollContainer minWidth={560}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>Key</Table.Th><Table.Th>May</Table.Th><Table.Th>Last used</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {keys.items.map((item) => (
                  <Table.Tr key={item.id}>
                    <Table.Td><Text size="sm" fw={500}>{item.name}</Text><Code>{item.prefix}…</Code></Table.Td>
                    <Table.Td maw={420}><Text size="sm">{item.scopes.map((scope) => scopes.find((known) => known.value === scope)?.label ?? scope).join(', ')}</Text></Table.Td>
                    <Table.Td><Moment at={item.last_used_at} /></Table.Td>
                    <Table.Td ta="right">{item.revoked_at ? <Badge color="gray" variant="light" tt="none">Revoked</Badge> : <Button size="compact-xs" variant="subtle" color="red" onClick={() => confirm(item)}>Revoke</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
        <More query={keys} />
      </Paper>
      {making && <MakeDialog onClose={() => setMaking(false)} />}
    </>
  );
}

function MakeDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { name: '', scopes: ['events:write'] } });
  const make = useMutation({
    mutationFn: (values: typeof form.values) => call<Schemas['MadeKey']>('POST', '/api-keys', { body: values }),
    meta: { quiet: true },
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened onClose={onClose} title="Make an API key">
      {make.data ? (
        <Stack>
          <Alert color="yellow">This is the only time the key is shown. Copy it now.</Alert>
          <Code block>{make.data.key}</Code>
          <Group justify="flex-end">
            <CopyButton value={make.data.key}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
          <Stack>
            <TextInput label="What is it for?" placeholder="Shop" required data-autofocus {...form.getInputProps('name')} />
            <Checkbox.Group label="What may it do?" {...form.getInputProps('scopes')}>
              <Stack gap={6} mt={6}>{scopes.map(({ value, label }) => <Checkbox key={value} value={value} label={label} />)}</Stack>
            </Checkbox.Group>
            <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={make.isPending}>Make the key</Button></Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
