import { Anchor, Badge, Group, Paper, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { PageHeader } from '../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { nameOf, useContacts, type Contact } from './contacts';

export function ContactsPage() {
  const [search, setSearch] = useState('');
  const [sought] = useDebouncedValue(search.trim(), 300);
  const contacts = useContacts(sought);
  return (
    <div className="page">
      <PageHeader title="Contacts" about="Everybody your applications have told MailFlow about." />
      <TextInput aria-label="Search contacts" placeholder="E-mail, user id or name" leftSection={<IconSearch size={16} />} value={search} onChange={(event) => setSearch(event.currentTarget.value)} w={320} mb="sm" />
      <Paper withBorder>
        {contacts.error ? <Failure error={contacts.error} onRetry={() => void contacts.refetch()} />
          : contacts.isPending ? <RowsLoading />
            : contacts.items.length > 0 ? <ContactTable contacts={contacts.items} />
              : sought ? <Empty title="No contact is like that">Search by the beginning of the e-mail, the user id or a name.</Empty>
                : <Empty title="No contacts yet">A contact is made by its first event, or through the API.</Empty>}
        <More query={contacts} />
      </Paper>
    </div>
  );
}

export function ContactTable({ contacts }: { contacts: Contact[] }) {
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table>
        <Table.Thead><Table.Tr><Table.Th>Contact</Table.Th><Table.Th>User id</Table.Th><Table.Th>Tags</Table.Th><Table.Th>Mail</Table.Th><Table.Th>Changed</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {contacts.map((contact) => (
            <Table.Tr key={contact.id}>
              <Table.Td>
                <Anchor component={Link} to={`/contacts/${encodeURIComponent(contact.user_id)}`} size="sm" fw={500}>{contact.email ?? contact.user_id}</Anchor>
                {nameOf(contact) && <Text size="xs" className="faint">{nameOf(contact)}</Text>}
              </Table.Td>
              <Table.Td maw={220}><Text size="sm" className="one-line">{contact.user_id}</Text></Table.Td>
              <Table.Td><Group gap={4}>{contact.tags.slice(0, 4).map((tag) => <Badge key={tag} variant="default" tt="none" fw={500}>{tag}</Badge>)}</Group></Table.Td>
              <Table.Td>{contact.suppressions.length > 0 ? <Badge color="red" variant="light" tt="none">Suppressed</Badge> : contact.email ? <Text size="sm">Can be mailed</Text> : <Text size="sm" className="faint">No address</Text>}</Table.Td>
              <Table.Td><Text size="sm" className="faint"><Moment at={contact.updated_at} /></Text></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
