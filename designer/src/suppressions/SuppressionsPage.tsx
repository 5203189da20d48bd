import { Badge, Button, Group, Modal, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconDownload, IconPlus, IconSearch, IconUpload } from '@tabler/icons-react';
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
import { ImportDialog } from './ImportDialog';

type Suppression = Schemas['Suppression'];

const key = ['suppressions'];

const streams: Record<string, string> = { all: 'All mail', marketing: 'Marketing', transactional: 'Transactional' };

export function SuppressionsPage() {
  const queries = useQueryClient();
  const mayWrite = useMay('editor');
  const [adding, setAdding] = useState(false);
  const [importing, setImporting] = useState(false);
  const [search, setSearch] = useState('');
  const [sought] = useDebouncedValue(search.trim(), 300);
  const suppressions = useList<Suppression>([...key, sought], (cursor) => data(api.GET('/api/v1/suppressions', { params: { query: { limit: 100, ...(sought && { search: sought }), ...(cursor && { cursor }) } } })));
  const remove = useMutation({
    mutationFn: ({ email, scope }: Suppression) => call('DELETE', `/suppressions/${encodeURIComponent(email)}`, { query: { scope } }),
    onSuccess: async () => {
      toast('The address can be mailed again.');
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const confirm = (suppression: Suppression) => modals.openConfirmModal({
    title: `Let ${nameOf(suppression)} be mailed again?`,
    children: <Text size="sm">It was suppressed because: {suppression.reason.replaceAll('_', ' ')}. Mail an address again only when its owner has asked for it.</Text>,
    labels: { confirm: 'Let it be mailed', cancel: 'Cancel' },
    onConfirm: () => remove.mutate(suppression),
  });
  return (
    <div className="page">
      <PageHeader title="Suppressions" about="Addresses that are not mailed, whatever a journey says."
        actions={(
          <Group gap="xs">
            <Button component="a" href="/api/v1/suppressions/export" download variant="default" leftSection={<IconDownload size={16} />}>Export</Button>
            {mayWrite && <Button variant="default" leftSection={<IconUpload size={16} />} onClick={() => setImporting(true)}>Import</Button>}
            {mayWrite && <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Suppress an address</Button>}
          </Group>
        )} />
      <TextInput aria-label="Search suppressions" placeholder="Address or domain" leftSection={<IconSearch size={16} />} value={search} onChange={(event) => setSearch(event.currentTarget.value)} w={320} mb="sm" />
      <Paper withBorder>
        {suppressions.error ? <Failure error={suppressions.error} onRetry={() => void suppressions.refetch()} />
          : suppressions.isPending ? <RowsLoading />
            : suppressions.items.length === 0 && sought ? <Empty title="Nothing found">No suppressed address holds “{sought}”.</Empty>
            : suppressions.items.length === 0 ? <Empty title="No address is suppressed">Who unsubscribes, complains or bounces is put here by itself.</Empty> : (
              <Table.ScrollContainer minWidth={620}>
                <Table>
                  <Table.Thead><Table.Tr><Table.Th>Address</Table.Th><Table.Th>Why</Table.Th><Table.Th>What for</Table.Th><Table.Th>Since</Table.Th><Table.Th>Until</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {suppressions.items.map((suppression) => (
                      <Table.Tr key={`${suppression.email}/${suppression.scope}`}>
                        <Table.Td fw={500}>{nameOf(suppression)}{suppression.kind === 'domain' && <Text size="xs" className="faint">Every address of the domain</Text>}</Table.Td>
                        <Table.Td><Text size="sm" className="sentence">{suppression.reason.replaceAll('_', ' ')}</Text>{suppression.detail && <Text size="xs" className="faint">{suppression.detail}</Text>}</Table.Td>
                        <Table.Td><Badge variant="light" tt="none" color={suppression.scope === 'all' ? 'red' : 'orange'}>{streams[suppression.scope] ?? suppression.scope}</Badge></Table.Td>
                        <Table.Td><Moment at={suppression.at} /></Table.Td>
                        <Table.Td>{suppression.expires_at ? <Moment at={suppression.expires_at} /> : 'For good'}</Table.Td>
                        <Table.Td ta="right">{mayWrite && <Button size="compact-xs" variant="subtle" onClick={() => confirm(suppression)}>Lift</Button>}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
        <More query={suppressions} />
      </Paper>
      {importing && <ImportDialog onClose={() => setImporting(false)} onDone={() => void queries.invalidateQueries({ queryKey: key })} />}
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </div>
  );
}

/** Of an erased person nothing but a hash is left. */
function nameOf(suppression: Suppression) {
  return suppression.kind === 'erased' ? 'An erased address' : suppression.email;
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { email: '', scope: 'all', reason: 'manual', detail: '', expires_at: '' } });
  const add = useMutation({
    mutationFn: (values: typeof form.values) => call('POST', '/suppressions', { body: { ...values, detail: values.detail || null, expires_at: values.expires_at ? new Date(values.expires_at).toISOString() : null } }),
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
          <TextInput label="E-mail" description="Or @example.org for a whole domain." required data-autofocus {...form.getInputProps('email')} />
          <Select label="What for" allowDeselect={false} data={[{ value: 'all', label: 'All mail' }, { value: 'marketing', label: 'Marketing only' }, { value: 'transactional', label: 'Transactional only' }]} {...form.getInputProps('scope')} />
          <TextInput type="date" label="Until" description="Empty: for good." {...form.getInputProps('expires_at')} />
          <TextInput label="Note" description="For colleagues: why." {...form.getInputProps('detail')} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={add.isPending}>Suppress</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
