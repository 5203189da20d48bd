import { Button, Checkbox, Group, Paper, Radio, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';
import { sendingKey } from './sending';

type Settings = Schemas['TrackingSettings'];

const key = [...sendingKey, 'tracking'];

const choices = [
  { value: 'auto', enabled: null, label: 'Where the provider does not do it itself', says: 'Opens and clicks are tracked where the provider does not do it itself.' },
  { value: 'on', enabled: true, label: 'In all mail, mail in the sandbox too', says: 'Opens and clicks are tracked in all mail.' },
  { value: 'off', enabled: false, label: 'Never', says: 'Opens and clicks are not tracked by MailFlow.' },
] as const;

/** Whether MailFlow itself tracks opens and clicks. */
export function Tracking({ isAdmin }: { isAdmin: boolean }) {
  const tracking = useQuery({ queryKey: key, queryFn: () => data(api.GET('/api/v1/tracking')) });
  return (
    <Paper withBorder p="md">
      <Title order={2} mb={4}>Opens and clicks</Title>
      <Text size="sm" className="faint" mb="sm">
        Tracked mail holds an invisible picture, and its links pass by this server, under the host of links of your sending domain. A contact whose attribute tracking is false is never tracked.
      </Text>
      {tracking.error ? <Failure error={tracking.error} onRetry={() => void tracking.refetch()} /> : tracking.isPending ? <RowsLoading rows={2} />
        : isAdmin ? <TrackingForm settings={tracking.data} /> : <TrackingText settings={tracking.data} />}
    </Paper>
  );
}

function choiceOf({ enabled }: Settings) {
  return choices.find((choice) => choice.enabled === enabled) ?? choices[0];
}

function TrackingText({ settings }: { settings: Settings }) {
  return <Text size="sm">{choiceOf(settings).says}{settings.needs_consent && ' Only contacts are tracked whose attribute tracking is true.'}</Text>;
}

function TrackingForm({ settings }: { settings: Settings }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { choice: choiceOf(settings).value, needsConsent: settings.needs_consent } });
  const save = useMutation({
    mutationFn: ({ choice, needsConsent }: typeof form.values) => call<Settings>('PUT', '/tracking', {
      body: { enabled: choices.find(({ value }) => value === choice)?.enabled ?? null, needs_consent: needsConsent },
    }),
    onSuccess: (saved) => {
      toast('Saved. It holds from the next mail on.');
      form.resetDirty();
      queries.setQueryData(key, saved);
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <Radio.Group label="MailFlow tracks opens and clicks" {...form.getInputProps('choice')}>
          <Stack gap={6} mt={6}>{choices.map(({ value, label }) => <Radio key={value} value={value} label={label} />)}</Stack>
        </Radio.Group>
        <Checkbox label="Only of contacts who have agreed" description="Those whose attribute tracking is true. In the European Union, tracking may need the recipient’s consent." {...form.getInputProps('needsConsent', { type: 'checkbox' })} />
        <Group><Button type="submit" disabled={!form.isDirty()} loading={save.isPending}>Save tracking</Button></Group>
      </Stack>
    </form>
  );
}
