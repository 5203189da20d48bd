import { Button, Paper, Table, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { useList } from '../../api/useList';
import { useMay } from '../../session/session';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';

type Revision = Schemas['JourneyRevision'];

/** Every save of the journey: what was overwritten can be had again. */
export function Revisions({ id }: { id: string }) {
  const queries = useQueryClient();
  const mayWrite = useMay('editor');
  const revisions = useList<Revision>(['journeys', 'revisions', id], (cursor) =>
    data(api.GET('/api/v1/journeys/{definitionId}/revisions', { params: { path: { definitionId: id }, query: { limit: 20, ...(cursor && { cursor }) } } })));
  const restore = useMutation({
    mutationFn: (number: number) => call('POST', `/journeys/${encodeURIComponent(id)}/revisions/${number}/restore`),
    onSuccess: async () => {
      toast('The save is the draft now.');
      await queries.invalidateQueries({ queryKey: ['journeys'] });
    },
  });
  const confirm = (revision: Revision) => modals.openConfirmModal({
    title: 'Go back to this save?',
    children: <Text size="sm">It becomes the draft. What is there now stays in this list.</Text>,
    labels: { confirm: 'Go back', cancel: 'Cancel' },
    onConfirm: () => restore.mutate(revision.number),
  });
  return (
    <Paper withBorder mt="md">
      <Title order={2} p="md" pb={4}>Saves</Title>
      {revisions.error ? <Failure error={revisions.error} /> : revisions.isPending ? <RowsLoading rows={3} /> : revisions.items.length === 0 ? <Text size="sm" className="faint" px="md" pb="md">Each save in the designer is kept here.</Text> : (
        <Table.ScrollContainer minWidth={360}>
          <Table>
            <Table.Thead><Table.Tr><Table.Th>Saved</Table.Th><Table.Th>By</Table.Th><Table.Th className="numbers">Steps</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
            <Table.Tbody>
              {revisions.items.map((revision, index) => (
                <Table.Tr key={revision.number}>
                  <Table.Td><Moment at={revision.created_at} /></Table.Td>
                  <Table.Td>{revision.author ?? '–'}</Table.Td>
                  <Table.Td className="numbers">{revision.activities}</Table.Td>
                  <Table.Td ta="right">{mayWrite && index > 0 && <Button size="compact-xs" variant="subtle" onClick={() => confirm(revision)}>Go back to it</Button>}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <More query={revisions} />
    </Paper>
  );
}
