import { Button, Group, Paper, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';
import { Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';

const key = ['sender'];

export function SenderPage() {
  const sender = useQuery({ queryKey: key, queryFn: () => data(api.GET('/api/v1/sender')) });
  if (sender.error) return <Failure error={sender.error} onRetry={() => void sender.refetch()} />;
  if (sender.isPending) return <RowsLoading rows={4} />;
  return <SenderForm sender={sender.data} />;
}

function SenderForm({ sender }: { sender: Schemas['SenderIdentity'] | undefined }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { name: sender?.name ?? '', email: sender?.email ?? '', reply_to: sender?.reply_to ?? '', postal_address: sender?.postal_address ?? '' } });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => call('PUT', '/sender', { body: { ...values, reply_to: values.reply_to || null, postal_address: values.postal_address || null } }),
    meta: { quiet: true },
    onSuccess: async () => {
      toast('Saved. Mail sent from now on carries it.');
      form.resetDirty();
      await queries.invalidateQueries({ queryKey: key });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Paper withBorder p="md" maw={620}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <Text size="sm" className="faint">Who your mail comes from. The domain of the address must be one that you may send from.</Text>
          <TextInput label="Name" required {...form.getInputProps('name')} />
          <TextInput label="E-mail" required {...form.getInputProps('email')} />
          <TextInput label="Answers go to" description="Empty: to the address above." {...form.getInputProps('reply_to')} />
          <Textarea label="Postal address" description="The law wants it in marketing mail." autosize minRows={2} {...form.getInputProps('postal_address')} />
          <Group><Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>Save</Button></Group>
        </Stack>
      </form>
    </Paper>
  );
}
