import { Anchor, Badge, Button, Group, Paper, Progress, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { Moment } from '../ui/Moment';
import { count } from '../ui/numbers';
import { rate, type SendingState } from './sending';
import { WarmUp } from './WarmUp';
import { WarmUpDialog } from './WarmUpDialog';

export type DomainState = NonNullable<SendingState['domain']>;

const standings: Record<string, { color: string; label: string; about: string }> = {
  good: { color: 'green', label: 'Good', about: 'Few complain, few bounce.' },
  poor: { color: 'yellow', label: 'Slowed down', about: 'Half of the usual marketing mail leaves, until the rates are better.' },
  bad: { color: 'red', label: 'Stopped', about: 'No marketing mail leaves until the cause is mended and the domain is resumed.' },
};

/** The same steps as the server's: what mailbox providers ask for, and block at, with some room. */
const rates = [
  { name: 'complaint_rate', label: 'Complaints', slow: 0.001, stop: 0.0025, of: 'Mails called spam' },
  { name: 'bounce_rate', label: 'Hard bounces', slow: 0.05, stop: 0.1, of: 'Mails to addresses that do not exist' },
] as const;

const mailboxNames: Record<string, string> = { gmail: 'Gmail', microsoft: 'Microsoft', yahoo: 'Yahoo', apple: 'Apple', other: 'Others' };

/** The same by who keeps the recipients' mailboxes: each judges by its own users. */
function Mailboxes({ mailboxes }: { mailboxes: DomainState['mailboxes'] }) {
  return (
    <Table verticalSpacing={4}>
      <Table.Thead><Table.Tr><Table.Th>Mailboxes at</Table.Th><Table.Th ta="right">Mails</Table.Th><Table.Th ta="right">Complaints</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {mailboxes.map(({ mailbox, mails, complaints, complaint_rate }) => (
          <Table.Tr key={mailbox}>
            <Table.Td>{mailboxNames[mailbox] ?? mailbox}</Table.Td>
            <Table.Td ta="right" className="numbers">{count(mails)}</Table.Td>
            <Table.Td ta="right" className="numbers">{complaint_rate === null ? 'Not reported' : `${count(complaints)} (${rate(complaint_rate)})`}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** The sending domain: how mailbox providers are likely to see it, and its warm-up. */
export function DomainCard({ domain, isAdmin }: { domain: DomainState; isAdmin: boolean }) {
  const [warming, setWarming] = useState(false);
  const standing = standings[domain.standing];
  return (
    <Paper withBorder p="md">
      <Stack>
        <Group justify="space-between">
          <Group gap="sm"><Title order={2}>{domain.name}</Title>{standing && <Badge color={standing.color} variant="light" tt="none">{standing.label}</Badge>}</Group>
          {isAdmin && <Anchor component={Link} to="/settings/domains" size="sm">Sending domains</Anchor>}
        </Group>
        <Text size="sm">{standing?.about} Sent today (UTC): {count(domain.today)}.</Text>
        {domain.resumed_at && <Text size="sm">It was resumed <Moment at={domain.resumed_at} />: standing and rates are of what came after, and at the same rates it stops again.</Text>}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          {rates.map(({ name, label, slow, stop, of }) => (
            <Stack key={name} gap={4}>
              <Group justify="space-between" gap="xs"><Text size="sm" fw={500}>{label}</Text><Text size="sm" className="numbers">{rate(domain[name])}</Text></Group>
              <Progress value={Math.min(100, (domain[name] / stop) * 100)} color={domain[name] >= stop ? 'red' : domain[name] >= slow ? 'yellow' : 'green'} aria-label={`${label}: ${rate(domain[name])}, stopped at ${rate(stop)}`} />
              <Text size="xs" className="faint">{of}, of seven days. Slowed down at {rate(slow)}, stopped at {rate(stop)}.</Text>
            </Stack>
          ))}
        </SimpleGrid>
        {domain.mailboxes.length > 0 && <Mailboxes mailboxes={domain.mailboxes} />}
        {domain.warm_up ? <WarmUp domain={domain.name} warmUp={domain.warm_up} isAdmin={isAdmin} onChange={() => setWarming(true)} /> : (
          <Group justify="space-between">
            <Text size="sm" maw={560}>No warm-up. A domain that has sent little so far should begin with a few mails a day and grow over two to four weeks.</Text>
            {isAdmin && <Button variant="default" onClick={() => setWarming(true)}>Begin a warm-up</Button>}
          </Group>
        )}
      </Stack>
      {warming && <WarmUpDialog domain={domain.name} warmUp={domain.warm_up} onClose={() => setWarming(false)} />}
    </Paper>
  );
}
