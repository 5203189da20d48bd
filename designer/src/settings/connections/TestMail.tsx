import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { fieldErrors, messageOf } from '../../api/problem';
import { useSession } from '../../session/session';
import { toast } from '../../ui/toast';

/** Tries a connection as it is saved, before or after mail leaves by it. */
export function TestMail({ connectionKey }: { connectionKey: string }) {
  const { data: session } = useSession();
  const form = useForm({ initialValues: { to: session?.email.includes('.') ? session.email : '' } });
  const send = useMutation({
    mutationFn: ({ to }: typeof form.values) => call<Schemas['TestSent']>('POST', `/connections/${encodeURIComponent(connectionKey)}/test`, { body: { to: to.trim() } }),
    meta: { quiet: true },
    onSuccess: () => toast('The provider has taken it.'),
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Paper withBorder p="md" maw={720}>
      <form onSubmit={form.onSubmit((values) => send.mutate(values))}>
        <Stack gap="xs">
          <Title order={3}>Try it</Title>
          <Text size="sm">Sends one mail by this connection as it is saved, also while it is switched off.</Text>
          {send.error && Object.keys(fieldErrors(send.error)).length === 0 && <Alert color="red" role="alert">{messageOf(send.error)}</Alert>}
          <Group align="flex-end">
            <TextInput label="Send a test mail to" type="email" required style={{ flex: '1 1 260px' }} {...form.getInputProps('to')} />
            <Button type="submit" variant="default" loading={send.isPending}>Send</Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
