import { Button, Group, NumberInput, Paper, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';
import { DurationInput } from '../ui/DurationInput';
import { describeDuration } from '../ui/duration';
import { Failure, RowsLoading } from '../ui/states';
import { toast, toastError } from '../ui/toast';
import { sendingKey } from './sending';

type PolicyData = Schemas['PolicyInput'];

interface PolicyValues {
  quiet: { on: boolean; from: string; to: string };
  cap: { on: boolean; messages: number | string; period: string };
}

const key = [...sendingKey, 'policy'];

/** The account's quiet hours and its cap. */
export function Policy({ isAdmin }: { isAdmin: boolean }) {
  const policy = useQuery({ queryKey: key, queryFn: () => data(api.GET('/api/v1/sending/policy')) });
  return (
    <Paper withBorder p="md">
      <Title order={2} mb={4}>Quiet hours and cap</Title>
      <Text size="sm" className="faint" mb="sm">They hold marketing mail back, whatever a journey says. Transactional mail is never held by them.</Text>
      {policy.error ? <Failure error={policy.error} onRetry={() => void policy.refetch()} /> : policy.isPending ? <RowsLoading rows={2} />
        : isAdmin ? <PolicyForm policy={policy.data} /> : <PolicyText policy={policy.data} />}
    </Paper>
  );
}

function PolicyText({ policy: { quiet, cap } }: { policy: PolicyData }) {
  return (
    <Stack gap={4}>
      <Text size="sm">{quiet ? `None leaves from ${quiet.from} to ${quiet.to} by the recipient’s clock.` : 'No quiet hours.'}</Text>
      <Text size="sm">{cap ? `A contact gets at most ${cap.messages} in ${describeDuration(cap.period ?? '')}.` : 'No cap.'}</Text>
    </Stack>
  );
}

function PolicyForm({ policy }: { policy: PolicyData }) {
  const queries = useQueryClient();
  const form = useForm<PolicyValues>({
    initialValues: {
      quiet: { on: policy.quiet !== null, from: policy.quiet?.from ?? '21:00', to: policy.quiet?.to ?? '08:00' },
      cap: { on: policy.cap !== null, messages: policy.cap?.messages ?? 3, period: policy.cap?.period ?? 'P7D' },
    },
  });
  const save = useMutation({
    mutationFn: ({ quiet, cap }: typeof form.values) => call<PolicyData>('PUT', '/sending/policy', {
      body: {
        quiet: quiet.on ? { from: quiet.from, to: quiet.to } : null,
        cap: cap.on ? { messages: cap.messages === '' ? null : Number(cap.messages), period: cap.period } : null,
      },
    }),
    meta: { quiet: true },
    onSuccess: async (saved) => {
      toast('Saved. It holds from the next mail on.');
      form.resetDirty();
      queries.setQueryData(key, saved);
      await queries.invalidateQueries({ queryKey: sendingKey });
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(errors);
      if (Object.keys(errors).length === 0) toastError(error);
    },
  });
  const { quiet, cap } = form.values;
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <Switch label="Quiet hours" description="By the recipient’s clock; by UTC where no time zone is known. Mail waits until they end." {...form.getInputProps('quiet.on', { type: 'checkbox' })} />
        {quiet.on && (
          <Stack gap={4}>
            <Group>
              <TextInput type="time" label="From" w={130} {...form.getInputProps('quiet.from')} />
              <TextInput type="time" label="To" w={130} {...form.getInputProps('quiet.to')} />
            </Group>
            {typeof form.errors['quiet'] === 'string' && <Text size="xs" c="var(--mantine-color-error)" role="alert">{form.errors['quiet']}</Text>}
          </Stack>
        )}
        <Switch label="Cap" description="Who has had this many: mail of low priority is skipped, of normal priority waits, of high priority is sent." {...form.getInputProps('cap.on', { type: 'checkbox' })} />
        {cap.on && (
          <Group align="flex-start">
            <NumberInput label="Marketing mails" w={140} min={1} max={1000} allowDecimal={false} required {...form.getInputProps('cap.messages')} />
            <DurationInput label="In any" value={cap.period} onChange={(period) => form.setFieldValue('cap.period', period)} error={form.errors['cap.period']} />
          </Group>
        )}
        <Group><Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>Save quiet hours and cap</Button></Group>
      </Stack>
    </form>
  );
}
