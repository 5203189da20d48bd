import { Anchor, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import { InstanceState } from '../instances/InstanceState';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { useContactInstances } from './contacts';

export function Trips({ userId }: { userId: string }) {
  const trips = useContactInstances(userId);
  if (trips.error) return <Failure error={trips.error} />;
  if (trips.isPending) return <RowsLoading rows={3} />;
  if (trips.items.length === 0) return <Empty title="Not in any journey" />;
  return (
    <>
      <Table.ScrollContainer minWidth={480}>
        <Table>
          <Table.Thead><Table.Tr><Table.Th>Journey</Table.Th><Table.Th>State</Table.Th><Table.Th>Entered</Table.Th><Table.Th>Moves on</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {trips.items.map((trip) => (
              <Table.Tr key={trip.id}>
                <Table.Td><Anchor component={Link} to={`/instances/${trip.id}`} size="sm" fw={500}>{trip.journey_name}</Anchor> <Text span size="xs" className="faint">version {trip.version}</Text></Table.Td>
                <Table.Td><InstanceState status={trip.status} subStatus={trip.sub_status} /></Table.Td>
                <Table.Td><Moment at={trip.started_at} /></Table.Td>
                <Table.Td><Moment at={trip.due_at} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <More query={trips} />
    </>
  );
}
