import { Anchor, Group, Paper, Select, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { ContactPicker } from '../../contacts/ContactPicker';
import { InstanceActions } from '../../instances/InstanceActions';
import { InstanceState } from '../../instances/InstanceState';
import { Moment } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { activitiesOf, labelOf } from '../elsa';
import { useDefinition } from '../useDefinition';
import { useJourneyInstances } from './instances';

const states = [
  { value: 'waiting', label: 'In it now' },
  { value: 'faulted', label: 'Failed' },
  { value: 'completed', label: 'Completed' },
  { value: 'exited', label: 'Left early' },
  { value: 'cancelled', label: 'Cancelled' },
];

/** The contacts' trips through a journey. */
export function InstancesPage() {
  const { id = '' } = useParams();
  const [user, setUser] = useState<string | null>(null);
  const [state, setState] = useState<string | null>(null);
  const [activity, setActivity] = useState<string | null>(null);
  const { data: definition } = useDefinition(id);
  const instances = useJourneyInstances(id, { user_id: user ?? '', state: state ?? '', activity_id: activity ?? '' }, 5_000);
  return (
    <>
      <Group my="md" gap="xs">
        <ContactPicker label="Contact" placeholder="E-mail, user id or name" hideLabel value={user} onChange={setUser} w={260} />
        <Select aria-label="State" placeholder="Any state" clearable data={states} value={state} onChange={setState} w={160} />
        <Select aria-label="Step" placeholder="Any step" clearable searchable value={activity} onChange={setActivity} w={240}
          data={definition ? activitiesOf(definition).map((step) => ({ value: step.id, label: labelOf(step) })) : []} />
      </Group>
      <Paper withBorder mb="md">
        {instances.error ? <Failure error={instances.error} onRetry={() => void instances.refetch()} />
          : instances.isPending ? <RowsLoading />
            : instances.items.length === 0 ? <Empty title="No contact to show">{(user ?? state ?? activity) === null ? 'Contacts who enter the journey are listed here, with where they are.' : 'Nobody in this journey is like that.'}</Empty> : (
              <Table.ScrollContainer minWidth={760}>
                <Table>
                  <Table.Thead>
                    <Table.Tr><Table.Th>Contact</Table.Th><Table.Th>State</Table.Th><Table.Th>Step</Table.Th><Table.Th>Since</Table.Th><Table.Th>Moves on</Table.Th><Table.Th className="numbers">Version</Table.Th><Table.Th aria-label="Actions" /></Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {instances.items.map((instance) => (
                      <Table.Tr key={instance.id}>
                        <Table.Td><Anchor component={Link} to={`/instances/${instance.id}`} size="sm" fw={500}>{instance.user_id}</Anchor></Table.Td>
                        <Table.Td><InstanceState status={instance.status} subStatus={instance.sub_status} /></Table.Td>
                        <Table.Td maw={320}><Text size="sm" className="one-line">{instance.activity_name ?? '–'}</Text>{instance.incident && <Text size="xs" c="red" lineClamp={2}>{instance.incident}</Text>}</Table.Td>
                        <Table.Td><Moment at={instance.since} /></Table.Td>
                        <Table.Td><Moment at={instance.due_at} /></Table.Td>
                        <Table.Td className="numbers">{instance.version}</Table.Td>
                        <Table.Td><InstanceActions instance={{ id: instance.id, journey: id, version: instance.version, step: instance.activity_id, running: instance.status === 'Running', failed: instance.sub_status === 'Faulted' }} /></Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
        <More query={instances} />
      </Paper>
    </>
  );
}
