import { Anchor, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from 'react-router';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { ConnectionForm } from './ConnectionForm';
import { connectionsQuery, kindsQuery } from './connections';

export function AddConnectionPage() {
  const { type } = useParams();
  const navigate = useNavigate();
  const kinds = useQuery(kindsQuery);
  const connections = useQuery(connectionsQuery);
  const error = kinds.error ?? connections.error;
  if (error) return <Failure error={error} />;
  if (!kinds.data || !connections.data) return <RowsLoading rows={5} />;
  const kind = kinds.data.items.find(({ name }) => name === type);
  if (!kind) return <Empty title="This kind of provider is not known">Choose one from the list of <Link to="/settings/connections">connections</Link>.</Empty>;
  return (
    <Stack>
      <Stack gap={2}>
        <Anchor component={Link} to="/settings/connections" size="sm">All connections</Anchor>
        <Title order={2}>Add a connection: {kind.display_name}</Title>
      </Stack>
      <ConnectionForm kind={kind} others={connections.data.items.map(({ connection }) => connection)}
        onSaved={({ key }) => void navigate(`/settings/connections/${key}`)} onCancel={() => void navigate('/settings/connections')} />
    </Stack>
  );
}
