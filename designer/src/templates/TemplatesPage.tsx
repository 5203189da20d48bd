import { Anchor, Badge, Button, Group, Modal, Paper, Radio, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';
import { useMay } from '../session/session';
import { keyOf } from '../ui/keyOf';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { PageHeader } from '../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../ui/states';

export function TemplatesPage() {
  const templates = useList<Schemas['TemplateSummary']>(['templates', 'list'], (cursor) => data(api.GET('/api/v1/templates', { params: { query: { limit: 200, ...(cursor && { cursor }) } } })));
  const mayWrite = useMay('editor');
  const [making, setMaking] = useState(false);
  return (
    <div className="page">
      <PageHeader title="Templates" about="What a mail holds. Journeys say who gets it."
        actions={mayWrite && <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>New template</Button>} />
      <Paper withBorder>
        {templates.error ? <Failure error={templates.error} onRetry={() => void templates.refetch()} />
          : templates.isPending ? <RowsLoading />
            : templates.items.length === 0 ? <Empty title="No templates yet">Write the first one, visually or as HTML.</Empty> : (
              <Table.ScrollContainer minWidth={760}>
                <Table>
                  <Table.Thead><Table.Tr><Table.Th>Template</Table.Th><Table.Th>Subject</Table.Th><Table.Th>Kind</Table.Th><Table.Th className="numbers">Version</Table.Th><Table.Th>Changed</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {templates.items.map((template) => (
                      <Table.Tr key={template.key}>
                        <Table.Td><Anchor component={Link} to={`/templates/${encodeURIComponent(template.key)}`} size="sm" fw={500}>{template.key}</Anchor></Table.Td>
                        <Table.Td maw={480}><Text size="sm" className="one-line">{template.subject || '–'}</Text></Table.Td>
                        <Table.Td>{template.is_razor ? <Badge variant="light" color="grape" tt="none">Code</Badge> : <Badge variant="light" color={template.stream === 'marketing' ? 'sea' : 'gray'} tt="none">{template.stream === 'marketing' ? 'Marketing' : 'Transactional'}</Badge>}</Table.Td>
                        <Table.Td className="numbers">{template.version}</Table.Td>
                        <Table.Td style={{ whiteSpace: 'nowrap' }}><Moment at={template.updated_at} /></Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
        <More query={templates} />
      </Paper>
      {making && <NewDialog onClose={() => setMaking(false)} />}
    </div>
  );
}

function NewDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState('visual');
  const navigate = useNavigate();
  return (
    <Modal opened onClose={onClose} title="New template">
      <form onSubmit={(event) => { event.preventDefault(); void navigate(`/templates/${keyOf(name)}`, { state: { kind } }); }}>
        <Stack>
          <TextInput label="Name" description="Journeys name the template by it." placeholder="spring-offer" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Radio.Group label="How to write it" value={kind} onChange={setKind}>
            <Stack gap="xs" mt={6}>
              <Radio value="visual" label="Visually" description="Put blocks together; the mail looks right in every mail reader." />
              <Radio value="code" label="As HTML" description="With Handlebars, and a layout of the account around it." />
            </Stack>
          </Radio.Group>
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" disabled={!keyOf(name)}>Go on</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
