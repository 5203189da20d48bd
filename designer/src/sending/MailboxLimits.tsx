import { ActionIcon, Autocomplete, Button, Group, NumberInput, Paper, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { count } from '../ui/numbers';
import { Failure, RowsLoading } from '../ui/states';
import { toast, toastError } from '../ui/toast';
import { rowErrors, sendingKey } from './sending';

type Limit = Schemas['MailboxLimit'];

const key = [...sendingKey, 'mailbox-limits'];
const known = ['gmail', 'microsoft', 'yahoo', 'apple', '*'];

/** How many mails a second the mailboxes of one provider are given. */
export function MailboxLimits({ isAdmin }: { isAdmin: boolean }) {
  const limits = useQuery({ queryKey: key, queryFn: () => data(api.GET('/api/v1/sending/mailbox-limits')) });
  return (
    <Paper withBorder p="md">
      <Title order={2} mb={4}>Limits by mailbox provider</Title>
      <Text size="sm" className="faint" mb="sm">The most mails a second to one provider’s mailboxes: gmail, microsoft, yahoo or apple with all of their domains, a single domain, or * for each of the others. What is over a limit waits for its turn.</Text>
      {limits.error ? <Failure error={limits.error} onRetry={() => void limits.refetch()} /> : limits.isPending ? <RowsLoading rows={2} />
        : isAdmin ? <LimitsForm limits={limits.data.items} /> : <LimitsText limits={limits.data.items} />}
    </Paper>
  );
}

function LimitsText({ limits }: { limits: Limit[] }) {
  return <Text size="sm">{limits.length === 0 ? 'No limits.' : limits.map(({ mailbox, per_second }) => `${mailbox}: ${count(per_second)} a second`).join('; ')}</Text>;
}

function LimitsForm({ limits }: { limits: Limit[] }) {
  const queries = useQueryClient();
  const form = useForm<{ limits: { mailbox: string; per_second: number | string }[] }>({ initialValues: { limits } });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => call<{ items: Limit[] }>('PUT', '/sending/mailbox-limits', { body: { limits: values.limits.map(({ mailbox, per_second }) => ({ mailbox: mailbox.trim(), per_second: Number(per_second) })) } }),
    meta: { quiet: true },
    onSuccess: (saved) => {
      toast('Saved. It holds from the next mail on.');
      const kept = { limits: saved.items };
      form.setValues(kept);
      form.resetDirty(kept);
      queries.setQueryData(key, { ...saved });
    },
    onError: (error) => {
      const errors = rowErrors(error);
      form.setErrors(errors);
      if (!Object.keys(errors).some((field) => field.startsWith('limits.'))) toastError(error);
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack gap="sm">
        {form.values.limits.map((_, index) => (
          <Group key={index} align="flex-start" wrap="nowrap" maw={520}>
            <Autocomplete aria-label={`Mailbox provider ${index + 1}`} placeholder="gmail, or a domain" data={known} required style={{ flex: 1 }} {...form.getInputProps(`limits.${index}.mailbox`)} />
            <NumberInput aria-label={`Mails a second ${index + 1}`} placeholder="20" suffix=" a second" min={0} required w={150} {...form.getInputProps(`limits.${index}.per_second`)} />
            <ActionIcon variant="subtle" color="red" size={36} aria-label={`Remove limit ${index + 1}`} onClick={() => form.removeListItem('limits', index)}><IconTrash size={18} /></ActionIcon>
          </Group>
        ))}
        <Group>
          <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => form.insertListItem('limits', { mailbox: '', per_second: '' })}>Add a limit</Button>
          <Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>Save limits</Button>
        </Group>
      </Stack>
    </form>
  );
}
