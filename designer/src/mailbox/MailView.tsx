import { Anchor, Box, Group, ScrollArea, SegmentedControl, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { useJourneys } from '../journeys/journeys';
import { MailFrame } from '../ui/MailFrame';
import { Instant } from '../ui/Moment';
import type { CapturedEmail } from './mailbox';
import classes from './mailbox.module.css';

type Form = 'html' | 'text' | 'headers';

export function MailView({ mail }: { mail: CapturedEmail }) {
  const [form, setForm] = useState<Form>('html');
  const { items: journeys } = useJourneys();
  return (
    <>
      <Box p="md" className={classes.head}>
        <Group className="top" justify="space-between" align="flex-start" wrap="nowrap">
          <Title order={2}>{mail.subject || '(no subject)'}</Title>
          <SegmentedControl size="xs" aria-label="Show" value={form} onChange={(value) => setForm(value)}
            data={[{ value: 'html', label: 'Mail' }, { value: 'text', label: 'Plain text' }, { value: 'headers', label: 'Headers' }]} />
        </Group>
        <Text size="sm" className="faint">{mail.from} → <Anchor inherit component={Link} to={`/contacts/${encodeURIComponent(mail.user_id)}`}>{mail.to}</Anchor> · <Instant at={mail.at} /></Text>
        <Text size="sm" className="faint">
          Template <Anchor inherit component={Link} to={`/templates/${encodeURIComponent(mail.template)}`}>{mail.template}</Anchor>
          {mail.journey && <>, journey <Anchor inherit component={Link} to={`/journeys/${encodeURIComponent(mail.journey)}/overview`}>{journeys.find((journey) => journey.definition_id === mail.journey)?.name ?? mail.journey}</Anchor></>}
        </Text>
      </Box>
      <ScrollArea style={{ flex: 1 }} viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Content of the mail' }}>
        {form === 'html' && <MailFrame html={mail.html} title={`Mail: ${mail.subject}`} />}
        {form === 'text' && <pre className="plain" style={{ padding: 16 }}>{mail.text}</pre>}
        {form === 'headers' && <Headers headers={mail.headers} />}
      </ScrollArea>
    </>
  );
}

function Headers({ headers }: { headers: Record<string, unknown> }) {
  return (
    <Table>
      <Table.Tbody>
        {Object.entries(headers).map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={220}>{name}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{String(value)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
