import { Alert, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconInfoCircle } from '@tabler/icons-react';
import { Problem } from '../../api/problem';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { Backlog } from './Backlog';
import { clusterQuery, hints, type ClusterState } from './cluster';
import { Nodes } from './Nodes';

/** Which servers run, and what waits on them. It is about all accounts, and the server shows it to those of the first alone. */
export function ClusterPage() {
  const { data, error, refetch } = useQuery(clusterQuery);
  if (error instanceof Problem && error.status === 403) return <Paper withBorder><Empty title="For whoever operates the server">{error.message}</Empty></Paper>;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  return data ? <Shown state={data} /> : <Paper withBorder><RowsLoading rows={4} /></Paper>;
}

function Shown({ state }: { state: ClusterState }) {
  const said = hints(state);
  return (
    <Stack>
      <Text size="sm" className="faint">The servers on this database, over all accounts. Looked at again every few seconds.</Text>
      {said.length > 0 && (
        <Alert color="yellow" icon={<IconInfoCircle size={18} />} title="What you should know">
          <List size="sm" spacing={4} listStyleType={said.length > 1 ? 'disc' : 'none'}>{said.map((hint) => <List.Item key={hint}>{hint}</List.Item>)}</List>
        </Alert>
      )}
      <section aria-labelledby="nodes">
        <Title order={2} size="h4" id="nodes" mb="xs">Nodes</Title>
        <Paper withBorder><Nodes nodes={state.nodes} at={state.at} /></Paper>
      </section>
      <section aria-labelledby="backlog">
        <Title order={2} size="h4" id="backlog" mb="xs">What waits</Title>
        <Backlog state={state} />
      </section>
    </Stack>
  );
}
