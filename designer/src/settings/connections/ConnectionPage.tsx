import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from 'react-router';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { kindName, sendingKey } from '../../sending/sending';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { ConnectionForm } from './ConnectionForm';
import { connectionsKey, connectionsQuery, kindsQuery, type Connection, type ProviderKind } from './connections';
import { ConnectionState } from './ConnectionState';
import { TestMail } from './TestMail';
import { Webhook } from './Webhook';

export function ConnectionPage() {
  const { key } = useParams();
  const kinds = useQuery(kindsQuery);
  const connections = useQuery(connectionsQuery);
  const error = kinds.error ?? connections.error;
  if (error) return <Failure error={error} />;
  if (!kinds.data || !connections.data) return <RowsLoading rows={5} />;
  const shown = connections.data.items.find(({ connection }) => connection.key === key);
  const kind = kinds.data.items.find(({ name }) => name === shown?.connection.type);
  if (!shown || !kind) return <Empty title="There is no such connection">See the list of <Link to="/settings/connections">connections</Link>.</Empty>;
  return <ConnectionView shown={shown} kind={kind} others={connections.data.items.map(({ connection }) => connection).filter((connection) => connection.key !== key)} />;
}

function ConnectionView({ shown: { connection, webhook_url: webhook }, kind, others }: { shown: Schemas['ShownConnection']; kind: ProviderKind; others: Connection[] }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => call('DELETE', `/connections/${encodeURIComponent(connection.key)}`),
    onSuccess: async () => {
      toast('The connection is deleted.');
      await navigate('/settings/connections');
      await Promise.all([connectionsKey, sendingKey].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  const confirm = () => modals.openConfirmModal({
    title: `Delete ${connection.name}?`,
    children: (
      <Text size="sm">
        {others.length > 0 ? 'Its share of the mail goes to the other connections.' : 'It is the last one: mail leaves by this server’s own provider from then on, and where that passes nothing on, it is not deleted while mail waits.'} Its secrets are forgotten, and mail that it has not answered for yet is treated as lost. What it sent is still listed.
      </Text>
    ),
    labels: { confirm: 'Delete it', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(),
  });
  return (
    <Stack>
      <Group justify="space-between" align="flex-start" maw={720}>
        <Stack gap={2}>
          <Anchor component={Link} to="/settings/connections" size="sm">All connections</Anchor>
          <Group gap="sm"><Title order={2}>{connection.name}</Title><ConnectionState connection={connection} /></Group>
          <Text size="sm" className="faint">{kindName(connection.type)}, key {connection.key}</Text>
        </Stack>
        <Button variant="subtle" color="red" onClick={confirm} loading={remove.isPending}>Delete</Button>
      </Group>
      <TestMail connectionKey={connection.key} />
      {webhook && <Webhook url={webhook} type={connection.type} />}
      <ConnectionForm key={connection.id} kind={kind} others={others} connection={connection} onSaved={() => {}} onCancel={() => {}} />
    </Stack>
  );
}
