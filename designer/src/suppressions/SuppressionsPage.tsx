import { Badge, Button, Group, Modal, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';
import { useList } from '../api/useList';
import { useMay } from '../session/session';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { PageHeader } from '../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';

type Suppression = Schemas['Suppression'];

const key = ['suppressions'];

export function SuppressionsPage() {
  const queries = useQueryClient();
  const mayWrite = useMay('editor');
  const [adding, setAdding] = useState(false);
  const suppressions = useList<Suppression>(key, (cursor) => data(api.GET('/api/v1/suppressions', { params: { query: { limit: 100, ...(cursor && { cursor }) } } })));
  const remove = useMutation({
    mutationFn: ({ email, scope }: Suppression) => call('DELETE', `/suppressions/${encodeURIComponent(email)}`, { query: { scope } }),
    onSuccess: async () => {
      toast('The address can be mailed again.');
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const confirm = (suppression: Suppression) => modals.openConfirmModal({
    title: `Let ${suppression.email} be mailed again?`,
    children: <Text size="sm">It was suppressed because: {suppression.reason.replaceAll('_', ' ')}. Mail an address again only when its owner has asked for it.</Text>,
    labels: { confirm: 'Let it be mailed', cancel: 'Cancel' },
    onConfirm: () => remove.mutate(suppression),
  });
  return (
    <div className="page">
      <PageHeader title="Suppressions" about="Addresses that are not mailed, whatever a journey says."
        actions={mayWrite && <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Suppress an address</Button>} />
      <Paper withBorder>
        {suppressions.error ? <Failure error={suppressions.error} onRetry={() => void suppressions.refetch()} />
          : suppressions.isPending ? <RowsLoading />
            : suppressions.items.length === 0 ? <Empty title="No address is suppressed">Who unsubscribes, complains or bounces is put here by itself.</Empty> : (
              <Table.ScrollContainer minWidth={620}>
                <Table>
                  <Table.Thead><Table.Tr><Table.Th>Address</Table.Th><Table.Th>Why</Table.Th><Table.Th>What for</Table.Th><Table.Th>Since</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {suppressions.items.map((suppression) => (
                      <Table.Tr key={`${suppression.email}/${suppression.scope}`}>
                        <Table.Td fw={500}>{suppression.email}</Table.Td>
                        <Table.Td><Text size="sm" className="sentence">{suppression.reason.replaceAll('_', ' ')}</Text>{suppression.detail && <Text size="xs" className="faint">{suppression.detail}</Text>}</Table.Td>
                        <Table.Td><Badge variant="light" tt="none" color={suppression.scope === 'all' ? 'red' : 'orange'}>{suppression.scope === 'all' ? 'All mail' : 'Marketing'}</Badge></Table.Td>
                        <Table.Td><Moment at={suppression.at} /></Table.Td>
                        <Table.Td ta="right">{mayWrite && <Button size="compact-xs" variant="subtle" onClick={() => confirm(suppression)}>Lift</Button>}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
        <More query={suppressions} />
      </Paper>
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </div>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { email: '', scope: 'all', reason: 'manual', detail: '' } });
  const add = useMutation({
    mutationFn: (values: typeof form.values) => call('POST', '/suppressions', { body: { ...values, detail: values.detail || null } }),
    meta: { quiet: true },
    onSuccess: async () => {
      toast('The address is not mailed any more.');
      onClose();
      await queries.invalidateQueries({ queryKey: key });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened onClose={onClose} title="Suppress an address">
      <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
        <Stack>
          <TextInput label="E-mail" required data-autofocus {...form.getInputProps('email')} />
          <Select label="What for" allowDeselect={false} data={[{ value: 'all', label: 'All mail' }, { value: 'marketing', label: 'Marketing only' }]} {...form.getInputProps('scope')} />
          <TextInput label="Note" description="For colleagues: why." {...form.getInputProps('detail')} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={add.isPending}>Suppress</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
