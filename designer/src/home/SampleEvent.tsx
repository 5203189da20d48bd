import { Alert, Anchor, Autocomplete, Button, Group, Loader, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../api/call';
import { api, data } from '../api/client';
import { fieldsQuery } from '../api/fields';
import { messageOf } from '../api/problem';
import { RowsInput } from '../journeys/test/PayloadInput';
import { objectOf, type Row } from '../journeys/test/payload';

const patience = 30_000;
const signedUp = 'user_signed_up';

/** Tells the server what a new contact did, as an application would, and waits for the mail that follows: at one click, that somebody signed up. */
export function SampleEvent() {
  const queries = useQueryClient();
  const { data: fields } = useQuery(fieldsQuery);
  const [rows, setRows] = useState<Row[]>([]);
  const form = useForm({
    initialValues: { event_type: signedUp, first_name: 'Ada', email: 'ada@example.org' },
    validate: { event_type: (value) => (value.trim() ? null : 'What happened'), email: (value) => (/^\S+@\S+$/.test(value) ? null : 'An e-mail address') },
  });
  const sending = useMutation({
    mutationFn: async ({ event_type, ...contact }: typeof form.values) => {
      const key = crypto.randomUUID();
      const userId = `sample-${key.slice(0, 8)}`;
      const sentAt = Date.now();
      await call('POST', '/events', { body: { event_id: key, event_type: event_type.trim(), user_id: userId, payload: { ...(event_type !== signedUp && objectOf(rows)), contact } } });
      return { userId, email: contact.email, eventType: event_type.trim(), sentAt };
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: fieldsQuery.queryKey }),
  });
  return (
    <Paper withBorder p="md">
      <Title order={2}>Send a sample event</Title>
      <Text size="sm" className="faint" mb="sm">Says that somebody signed up: the welcome journey answers with a mail, which the mailbox keeps for you to read as long as no connection sends your mail. An event of another type begins the journeys that wait for it, and can be chosen in the designer from then on.</Text>
      <form onSubmit={form.onSubmit((values) => sending.mutate(values))}>
        <Group align="flex-start" gap="xs">
          <TextInput label="First name" w={150} {...form.getInputProps('first_name')} />
          <TextInput label="E-mail" style={{ flex: 1, minWidth: 180 }} {...form.getInputProps('email')} />
          <Autocomplete label="Event type" w={190} data={[...new Set([signedUp, ...(fields?.events ?? []).map((event) => event.event_type)])]} {...form.getInputProps('event_type')} />
          <Button type="submit" mt={25} loading={sending.isPending}>Send event</Button>
        </Group>
        {form.values.event_type !== signedUp && <Stack gap={4} mt="sm"><Text size="sm" fw={500}>What it carries</Text><RowsInput label="What it carries" rows={rows} onChange={setRows} /></Stack>}
        {sending.error && <Alert mt="sm" color="red" role="alert">{messageOf(sending.error)}</Alert>}
      </form>
      {sending.data && <Arrival key={sending.data.userId} {...sending.data} />}
    </Paper>
  );
}

function Arrival({ userId, email, eventType, sentAt }: { userId: string; email: string; eventType: string; sentAt: number }) {
  const { data: mail } = useQuery({
    queryKey: ['sample-mail', userId],
    queryFn: async () => {
      const page = await data(api.GET('/api/v1/sandbox/messages', { params: { query: { to: email, newest_first: true, limit: 20 } } }));
      return page.items.find((item) => item.user_id === userId) ?? null;
    },
    refetchInterval: (query) => (query.state.data || Date.now() - sentAt > patience ? false : 700),
  });
  if (mail)
    return (
      <Alert mt="sm" color="teal" role="status" fz="sm">
        The mail <b>{mail.subject}</b> has come. <Anchor inherit component={Link} to={`/mailbox?mail=${mail.id}`}>Read it</Anchor>
        {' or '}<Anchor inherit component={Link} to={`/contacts/${userId}`}>see what happened to the contact</Anchor>.
      </Alert>
    );
  return (
    <Alert mt="sm" color="gray" role="status">
      <Group gap="xs"><Loader size="xs" /><Text size="sm">The event {eventType} was taken. Waiting for a mail… If none comes, look at <Anchor inherit component={Link} to={`/contacts/${userId}`}>what was decided</Anchor>.</Text></Group>
    </Alert>
  );
}
