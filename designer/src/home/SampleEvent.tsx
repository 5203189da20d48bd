import { Alert, Anchor, Button, Group, Loader, Paper, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { call } from '../api/call';
import { api, data } from '../api/client';

const patience = 30_000;

/** Tells the server that a new user signed up, as an application would, and waits for the mail that follows. */
export function SampleEvent() {
  const form = useForm({ initialValues: { first_name: 'Ada', email: 'ada@example.org' }, validate: { email: (value) => (/^\S+@\S+$/.test(value) ? null : 'An e-mail address') } });
  const sending = useMutation({
    mutationFn: async (contact: typeof form.values) => {
      const key = crypto.randomUUID();
      const userId = `sample-${key.slice(0, 8)}`;
      const sentAt = Date.now();
      await call('POST', '/events', { body: { event_id: key, event_type: 'user_signed_up', user_id: userId, payload: { contact } } });
      return { userId, email: contact.email, sentAt };
    },
  });
  return (
    <Paper withBorder p="md">
      <Title order={2}>Send a sample event</Title>
      <Text size="sm" className="faint" mb="sm">Says that somebody signed up. The welcome journey answers with a mail, which the sandbox keeps for you to read.</Text>
      <form onSubmit={form.onSubmit((values) => sending.mutate(values))}>
        <Group align="flex-start" gap="xs">
          <TextInput label="First name" w={150} {...form.getInputProps('first_name')} />
          <TextInput label="E-mail" style={{ flex: 1, minWidth: 180 }} {...form.getInputProps('email')} />
          <Button type="submit" mt={25} loading={sending.isPending}>Send event</Button>
        </Group>
      </form>
      {sending.data && <Arrival key={sending.data.userId} {...sending.data} />}
    </Paper>
  );
}

function Arrival({ userId, email, sentAt }: { userId: string; email: string; sentAt: number }) {
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
      <Group gap="xs"><Loader size="xs" /><Text size="sm">The event was taken. Waiting for the mail… If none comes, look at <Anchor inherit component={Link} to={`/contacts/${userId}`}>what was decided</Anchor>.</Text></Group>
    </Alert>
  );
}
