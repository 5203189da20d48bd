import { Badge, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { Instant } from '../ui/Moment';
import type { Contact } from './contacts';

/** What is known of a contact. */
export function Profile({ contact }: { contact: Contact }) {
  const known: [string, string | null][] = [['User id', contact.user_id], ['E-mail', contact.email], ['First name', contact.first_name], ['Last name', contact.last_name], ['Time zone', contact.time_zone]];
  const attributes = Object.entries(contact.attributes as Record<string, unknown>);
  const consents = Object.entries(contact.consents);
  return (
    <Stack>
      <Paper withBorder p="md">
        <Title order={2} mb="xs">Profile</Title>
        <Pairs rows={known.map(([name, value]) => [name, value ?? '–'])} />
        <Text size="xs" className="faint" mt="xs">Known since <Instant at={contact.created_at} /></Text>
      </Paper>
      <Paper withBorder p="md">
        <Title order={2} mb="xs">Attributes</Title>
        {attributes.length > 0 ? <Pairs rows={attributes.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])} /> : <Text size="sm" className="faint">None.</Text>}
      </Paper>
      <Paper withBorder p="md">
        <Title order={2} mb="xs">Tags and consents</Title>
        <Group gap={6}>
          {contact.tags.map((tag) => <Badge key={tag} variant="default" tt="none" fw={500}>{tag}</Badge>)}
          {consents.map(([purpose, granted]) => <Badge key={purpose} variant="light" tt="none" color={granted ? 'teal' : 'red'}>{purpose}: {granted ? 'agreed' : 'refused'}</Badge>)}
        </Group>
        {contact.tags.length + consents.length === 0 && <Text size="sm" className="faint">None.</Text>}
      </Paper>
    </Stack>
  );
}

function Pairs({ rows }: { rows: [string, string][] }) {
  return (
    <Table verticalSpacing={4} horizontalSpacing={0} withRowBorders={false} highlightOnHover={false}>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th fw={400} w={120} className="faint" style={{ verticalAlign: 'top' }}>{name}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
