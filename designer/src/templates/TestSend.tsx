import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { fieldErrors, messageOf } from '../api/problem';
import { useSession } from '../session/session';
import { toast } from '../ui/toast';

export function TestSend({ templateKey, onClose }: { templateKey: string; onClose: () => void }) {
  const { data: session } = useSession();
  const form = useForm({ initialValues: { to: session?.email.includes('.') ? session.email : '', user_id: '' } });
  const send = useMutation({
    mutationFn: (values: typeof form.values) => call<Schemas['TestSent']>('POST', `/templates/${encodeURIComponent(templateKey)}/test-send`, { body: { to: values.to.trim(), user_id: values.user_id.trim() || null } }),
    meta: { quiet: true },
    onSuccess: (sent) => {
      toast(`“${sent.subject}” is on its way.`);
      onClose();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened onClose={onClose} title="Send a test">
      <form onSubmit={form.onSubmit((values) => send.mutate(values))}>
        <Stack>
          <Text size="sm" className="faint">Sends the saved version once, outside every journey. With the sandbox as provider it lands in the mailbox.</Text>
          {send.error && Object.keys(fieldErrors(send.error)).length === 0 && <Alert color="red" role="alert">{messageOf(send.error)}</Alert>}
          <TextInput label="To" type="email" required data-autofocus {...form.getInputProps('to')} />
          <TextInput label="As the contact" description="User id; empty: a contact about whom nothing is known." {...form.getInputProps('user_id')} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={send.isPending}>Send</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
