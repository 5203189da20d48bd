import { Anchor, Button, Code, Group, Modal, Paper, Table, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';
import { keyOf } from '../ui/keyOf';
import { useMay } from '../session/session';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { PageHeader } from '../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../ui/states';

export function SegmentsPage() {
  const segments = useList<Schemas['Segment']>(['segments', 'list'], (cursor) => data(api.GET('/api/v1/segments', { params: { query: { limit: 100, ...(cursor && { cursor }) } } })));
  const mayWrite = useMay('editor');
  const [making, setMaking] = useState(false);
  return (
    <div className="page">
      <PageHeader title="Segments" about="Groups of contacts by a rule, always as of now. Journeys decide by them."
        actions={mayWrite && <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>New segment</Button>} />
      <Paper withBorder>
        {segments.error ? <Failure error={segments.error} onRetry={() => void segments.refetch()} />
          : segments.isPending ? <RowsLoading />
            : segments.items.length === 0 ? <Empty title="No segments yet">A segment says whom you mean, such as customers who bought in the last 30 days.</Empty> : (
              <Table.ScrollContainer minWidth={640}>
                <Table>
                  <Table.Thead><Table.Tr><Table.Th>Segment</Table.Th><Table.Th>Rule</Table.Th><Table.Th>Changed</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {segments.items.map((segment) => (
                      <Table.Tr key={segment.key}>
                        <Table.Td><Anchor component={Link} to={`/segments/${encodeURIComponent(segment.key)}`} size="sm" fw={500}>{segment.name}</Anchor></Table.Td>
                        <Table.Td maw={560}><Code className="one-line" display="block">{segment.rule}</Code></Table.Td>
                        <Table.Td style={{ whiteSpace: 'nowrap' }}><Moment at={segment.updated_at} /></Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
        <More query={segments} />
      </Paper>
      {making && <NewDialog onClose={() => setMaking(false)} />}
    </div>
  );
}

function NewDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const navigate = useNavigate();
  return (
    <Modal opened onClose={onClose} title="New segment">
      <form onSubmit={(event) => { event.preventDefault(); void navigate(`/segments/${keyOf(name)}`, { state: { name: name.trim() } }); }}>
        <TextInput label="Name" placeholder="Bought in the last 30 days" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Group justify="flex-end" mt="md"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" disabled={!keyOf(name)}>Go on</Button></Group>
      </form>
    </Modal>
  );
}
