import { Button, Group, Modal, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { fieldErrors } from '../../api/problem';
import { useList } from '../../api/useList';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { checkNames, domainsKey } from './domains';
import { StateBadge } from './StateBadge';

export function DomainsPage() {
  const domains = useList<Schemas['SendingDomain']>(domainsKey, (cursor) => data(api.GET('/api/v1/domains', { params: { query: { limit: 100, ...(cursor && { cursor }) } } })));
  const [adding, setAdding] = useState(false);
  const add = <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Add a domain</Button>;
  return (
    <>
      {domains.items.length > 0 && <Group justify="flex-end" mb="sm">{add}</Group>}
      <Paper withBorder>
        {domains.error ? <Failure error={domains.error} onRetry={() => void domains.refetch()} /> : domains.isPending ? <RowsLoading rows={3} />
          : domains.items.length === 0 ? (
            <Empty title="No sending domain yet" action={add}>
              Add the domain that your mail comes from. You are told which records to publish, so that Gmail, Yahoo and Microsoft take your mail.
            </Empty>
          ) : (
            <Table>
              <Table.Thead><Table.Tr><Table.Th>Domain</Table.Th><Table.Th>State</Table.Th><Table.Th>To mend</Table.Th><Table.Th>Checked</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {domains.items.map((domain) => (
                  <Table.Tr key={domain.domain}>
                    <Table.Td fw={500}><Link to={domain.domain}>{domain.domain}</Link></Table.Td>
                    <Table.Td><StateBadge state={domain.state} /></Table.Td>
                    <Table.Td>{domain.checks.filter(({ state }) => state === 'fail').map(({ name }) => checkNames[name]?.title ?? name).join(', ')}</Table.Td>
                    <Table.Td><Moment at={domain.checked_at} /></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        <More query={domains} />
      </Paper>
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { domain: '' } });
  const add = useMutation({
    mutationFn: ({ domain }: typeof form.values) => call<Schemas['SendingDomain']>('PUT', `/domains/${encodeURIComponent(domain.trim())}`, { body: {} }),
    meta: { quiet: true },
    onSuccess: async ({ domain }) => {
      await queries.invalidateQueries({ queryKey: domainsKey });
      await navigate(`/settings/domains/${domain}`);
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened onClose={onClose} title="Add a sending domain">
      <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
        <Stack>
          <TextInput label="Domain" description="What stands after the @ of the address your mail comes from." placeholder="example.org" required data-autofocus {...form.getInputProps('domain')} />
          <Text size="sm" className="faint">Nothing is published for you: the next page tells what to publish and where.</Text>
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={add.isPending}>Add it</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
