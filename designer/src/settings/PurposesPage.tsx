import { Badge, Button, Checkbox, Code, Group, Modal, NumberInput, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';

type Purpose = Schemas['Purpose'];

const key = ['purposes'];

export function PurposesPage() {
  const queries = useQueryClient();
  const purposes = useQuery({ queryKey: key, queryFn: () => data(api.GET('/api/v1/purposes')) });
  const [editing, setEditing] = useState<Purpose | 'new'>();
  const remove = useMutation({
    mutationFn: (purpose: Purpose) => call('DELETE', `/purposes/${encodeURIComponent(purpose.key)}`),
    onSuccess: async () => {
      toast('The purpose is offered no more.');
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const confirm = (purpose: Purpose) => modals.openConfirmModal({
    title: `Remove “${purpose.name}”?`,
    children: <Text size="sm">Recipients can no longer choose it. What they agreed to stays on record.</Text>,
    labels: { confirm: 'Remove', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(purpose),
  });
  return (
    <>
      <Group justify="space-between" mb="sm">
        <Text size="sm" className="faint">What recipients choose among in the preference centre.</Text>
        <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>Add a purpose</Button>
      </Group>
      <Paper withBorder>
        {purposes.error ? <Failure error={purposes.error} /> : purposes.isPending ? <RowsLoading rows={3} />
          : purposes.data.items.length === 0 ? <Empty title="No purpose yet">Recipients can pause or leave, but choose nothing.</Empty> : (
            <Table>
              <Table.Thead><Table.Tr><Table.Th>Purpose</Table.Th><Table.Th>Key</Table.Th><Table.Th>Offered</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {purposes.data.items.map((purpose) => (
                  <Table.Tr key={purpose.key}>
                    <Table.Td><Text size="sm" fw={500}>{purpose.name}</Text>{purpose.description && <Text size="xs" className="faint">{purpose.description}</Text>}</Table.Td>
                    <Table.Td><Code>{purpose.key}</Code></Table.Td>
                    <Table.Td><Badge variant="light" tt="none" color={purpose.offered ? 'teal' : 'gray'}>{purpose.offered ? 'Offered' : 'Hidden'}</Badge></Table.Td>
                    <Table.Td ta="right">
                      <Button size="compact-xs" variant="subtle" onClick={() => setEditing(purpose)}>Change</Button>
                      <Button size="compact-xs" variant="subtle" color="red" onClick={() => confirm(purpose)}>Remove</Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
      </Paper>
      {editing && <PurposeDialog purpose={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </>
  );
}

function PurposeDialog({ purpose, onClose }: { purpose: Purpose | undefined; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { key: purpose?.key ?? '', name: purpose?.name ?? '', description: purpose?.description ?? '', offered: purpose?.offered ?? true, position: purpose?.position ?? 0 } });
  const save = useMutation({
    mutationFn: ({ key: name, ...body }: typeof form.values) => call('PUT', `/purposes/${encodeURIComponent(name)}`, { body }),
    meta: { quiet: true },
    onSuccess: async () => {
      toast('Saved.');
      onClose();
      await queries.invalidateQueries({ queryKey: key });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened onClose={onClose} title={purpose ? `Change “${purpose.name}”` : 'Add a purpose'}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <TextInput label="Key" description="As journeys name it, such as newsletter." required disabled={!!purpose} data-autofocus={!purpose} {...form.getInputProps('key')} />
          <TextInput label="Name" description="As recipients read it." required {...form.getInputProps('name')} />
          <TextInput label="Description" {...form.getInputProps('description')} />
          <NumberInput label="Place" description="Small numbers come first." allowDecimal={false} {...form.getInputProps('position')} />
          <Checkbox label="Offered in the preference centre" {...form.getInputProps('offered', { type: 'checkbox' })} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={save.isPending}>Save</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
