import { Badge, Table, Text } from '@mantine/core';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { useContactConsents } from './contacts';

export function Consents({ userId }: { userId: string }) {
  const consents = useContactConsents(userId);
  if (consents.error) return <Failure error={consents.error} />;
  if (consents.isPending) return <RowsLoading rows={3} />;
  if (consents.items.length === 0) return <Empty title="No consent was recorded">Neither given nor refused.</Empty>;
  return (
    <>
      <Table.ScrollContainer minWidth={480}>
        <Table>
          <Table.Thead><Table.Tr><Table.Th>Purpose</Table.Th><Table.Th>Answer</Table.Th><Table.Th>Where from</Table.Th><Table.Th>When</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {consents.items.map((consent, index) => (
              <Table.Tr key={index}>
                <Table.Td>{consent.purpose}</Table.Td>
                <Table.Td><Badge variant="light" tt="none" color={consent.granted ? 'teal' : 'red'}>{consent.granted ? 'Agreed' : 'Refused'}</Badge></Table.Td>
                <Table.Td>{consent.source}{consent.basis && ` · ${consent.basis.replaceAll('_', ' ')}`}{consent.wording && <Text size="xs" className="faint">“{consent.wording}”</Text>}{consent.expires_at && <Text size="xs" className="faint">Until <Moment at={consent.expires_at} /></Text>}{consent.evidence && <Text size="xs" className="faint">{consent.evidence}</Text>}</Table.Td>
                <Table.Td><Moment at={consent.at} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <More query={consents} />
    </>
  );
}
