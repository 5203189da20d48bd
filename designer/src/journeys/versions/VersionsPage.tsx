import { Button, Grid, Group, Paper, Select, Table, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { useList } from '../../api/useList';
import { useMay } from '../../session/session';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { count } from '../../ui/numbers';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { Changes } from './Changes';
import { Revisions } from './Revisions';

type Version = Schemas['VersionSummary'];

const words: Record<string, string> = { draft: 'Draft', published: 'Runs', retired: 'Earlier' };

export function VersionsPage() {
  const { id = '' } = useParams();
  const path = `/journeys/${encodeURIComponent(id)}`;
  const versions = useList<Version>(['journeys', 'versions', id], (cursor) =>
    data(api.GET('/api/v1/journeys/{definitionId}/versions', { params: { path: { definitionId: id }, query: { limit: 50, ...(cursor && { cursor }) } } })));
  const restore = useRestore(id);
  const mayWrite = useMay('editor');
  if (versions.isPending) return <RowsLoading />;
  if (versions.error) return <Failure error={versions.error} onRetry={() => void versions.refetch()} />;
  const confirm = (version: Version) => modals.openConfirmModal({
    title: `Restore version ${version.version}?`,
    children: <Text size="sm">It becomes the draft, and replaces what is there. Nothing is published.</Text>,
    labels: { confirm: 'Restore', cancel: 'Cancel' },
    onConfirm: () => restore.mutate(version.version),
  });
  return (
    <Grid py="md">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Paper withBorder>
          <Title order={2} p="md" pb={4}>Versions</Title>
          <Table.ScrollContainer minWidth={420}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>Version</Table.Th><Table.Th>State</Table.Th><Table.Th>Published</Table.Th><Table.Th className="numbers">In it now</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {versions.items.map((version, index) => (
                  <Table.Tr key={version.version}>
                    <Table.Td>{version.version}</Table.Td>
                    <Table.Td>{words[version.state] ?? version.state}</Table.Td>
                    <Table.Td><Moment at={version.published_at} /></Table.Td>
                    <Table.Td className="numbers">{count(version.waiting)}</Table.Td>
                    <Table.Td ta="right">{mayWrite && index > 0 && <Button size="compact-xs" variant="subtle" onClick={() => confirm(version)}>Restore</Button>}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <More query={versions} />
        </Paper>
        <Revisions id={id} />
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Comparison key={versions.items.length} path={path} versions={versions.items.map((version) => version.version)} />
      </Grid.Col>
    </Grid>
  );
}

function useRestore(id: string) {
  const queries = useQueryClient();
  const path = `/journeys/${encodeURIComponent(id)}`;
  return useMutation({
    mutationFn: async (version: number) => call('PUT', path, { body: await call('GET', `${path}/versions/${version}`) }),
    onSuccess: async () => {
      toast('The version is the draft now.');
      await queries.invalidateQueries({ queryKey: ['journeys'] });
    },
  });
}

function Comparison({ path, versions }: { path: string; versions: number[] }) {
  const [from, setFrom] = useState(versions[1] ?? null);
  const [to, setTo] = useState(versions[0] ?? null);
  const diff = useQuery({
    queryKey: ['journeys', 'diff', path, from, to],
    queryFn: () => call<Schemas['VersionDiff']>('GET', `${path}/diff`, { query: { from: from!, to: to! } }),
    enabled: from !== null && to !== null,
  });
  const choices = versions.map((version) => ({ value: String(version), label: `Version ${version}` }));
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb="sm">
        <Title order={2}>What changed</Title>
        {from !== null && <Group gap="xs">
          <Select size="xs" aria-label="From" data={choices} value={from === null ? null : String(from)} onChange={(value) => setFrom(value ? Number(value) : null)} w={120} />
          <Text size="sm" className="faint">to</Text>
          <Select size="xs" aria-label="To" data={choices} value={to === null ? null : String(to)} onChange={(value) => setTo(value ? Number(value) : null)} w={120} />
        </Group>}
      </Group>
      {from === null ? <Empty title="There is one version so far">When a second one is made, the two can be compared here.</Empty>
        : diff.error ? <Failure error={diff.error} /> : diff.data ? <Changes changes={diff.data.changes} /> : <RowsLoading rows={3} height={20} />}
    </Paper>
  );
}
