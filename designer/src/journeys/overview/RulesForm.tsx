import { Autocomplete, Button, Grid, Group, Paper, Radio, Stack, Switch, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import { api, data } from '../../api/client';
import { fieldsQuery } from '../../api/fields';
import { useMay } from '../../session/session';
import { isSomeTime } from '../../ui/duration';
import { DurationInput } from '../../ui/DurationInput';
import { LeaveGuard } from '../../ui/LeaveGuard';
import { toast } from '../../ui/toast';
import type { ElsaDefinition } from '../elsa';
import { Outline } from './Outline';
import { rulesOf, withRules } from './rules';

/** Who may enter, when one leaves, and on what ground it is mailed: in plain words, saved into the draft. */
export function RulesForm({ definition }: { definition: ElsaDefinition }) {
  const queries = useQueryClient();
  const mayWrite = useMay('editor');
  const { data: fields } = useQuery(fieldsQuery);
  const { data: segments } = useQuery({ queryKey: ['segments', 'keys'], queryFn: () => data(api.GET('/api/v1/segments', { params: { query: { limit: 100 } } })) });
  const form = useForm({
    initialValues: { name: definition.name, description: definition.description ?? '', ...rulesOf(definition) },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      period: (period, { entry }) => (entry !== 'once_per' || isSomeTime(period) ? null : 'This must be longer than nothing.'),
      expire_late: (late) => (late === null || isSomeTime(late) ? null : 'This must be longer than nothing.'),
    },
  });
  const save = useMutation({
    mutationFn: async ({ name, description, ...rules }: typeof form.values) => {
      const path = `/journeys/${encodeURIComponent(definition.definitionId)}`;
      // What was drawn meanwhile must not be lost: the rules go into what the server holds now.
      const current = await call<ElsaDefinition>('GET', path);
      return call('PUT', path, { body: withRules(current, name, description, rules) });
    },
    onSuccess: async () => {
      toast('The draft is saved.');
      form.resetDirty();
      await queries.invalidateQueries({ queryKey: ['journeys'] });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <LeaveGuard dirty={mayWrite && form.isDirty()} />
      <Grid py="md">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack>
            <Paper withBorder p="md">
              <Title order={2} mb="sm">What it is</Title>
              <Stack gap="sm">
                <TextInput label="Name" required readOnly={!mayWrite} {...form.getInputProps('name')} />
                <Textarea label="Description" autosize minRows={2} readOnly={!mayWrite} {...form.getInputProps('description')} />
              </Stack>
            </Paper>
            <Paper withBorder p="md">
              <Title order={2} mb="sm">Who may enter</Title>
              <Radio.Group aria-label="Who may enter" {...form.getInputProps('entry')}>
                <Stack gap="xs">
                  <Radio disabled={!mayWrite} value="every_time" label="Every time" description="Each time it is triggered, even while the contact is in it." />
                  <Radio disabled={!mayWrite} value="one_at_a_time" label="One trip at a time" description="Again only when the trip before is over." />
                  <Radio disabled={!mayWrite} value="once_per" label="Once in a period" description="Counted from the last entry." />
                  {form.values.entry === 'once_per' && <Group pl={32}><DurationInput label="Period" value={form.values.period} error={form.errors.period} disabled={!mayWrite} onChange={(value) => form.setFieldValue('period', value)} /></Group>}
                  <Radio disabled={!mayWrite} value="once" label="Once, ever" description="A contact who has been in it never enters again." />
                </Stack>
              </Radio.Group>
              <Autocomplete mt="md" label="Audience" description="The segment that enters when a Timer or Cron starts the journey. Events and the trigger Schedule do without." placeholder="No segment" data={segments?.items.map(({ key }) => key) ?? []} readOnly={!mayWrite} {...form.getInputProps('audience')} />
            </Paper>
            <Paper withBorder p="md">
              <Title order={2} mb={4}>When a contact leaves early</Title>
              <Text size="sm" className="faint" mb="sm">As soon as this holds, the contact leaves, and mail not yet sent is called off. Leave it empty to let everybody go to the end.</Text>
              <Textarea aria-label="Exit condition" placeholder={'event.event_type == "order_placed"'} autosize minRows={2} readOnly={!mayWrite} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }} {...form.getInputProps('exit_when')} />
            </Paper>
            <Paper withBorder p="md">
              <Title order={2} mb="sm">On what ground it is mailed</Title>
              <Radio.Group aria-label="Kind of mail" {...form.getInputProps('stream')}>
                <Stack gap="xs">
                  <Radio disabled={!mayWrite} value="marketing" label="Marketing" description="Carries an unsubscribe link, and is not sent to who has unsubscribed or refused marketing mail." />
                  <Radio disabled={!mayWrite} value="transactional" label="Transactional" description="Asked for by the contact’s own act: receipts, password resets." />
                </Stack>
              </Radio.Group>
              {form.values.stream === 'marketing' && (
                <Autocomplete mt="sm" label="Purpose of the consent" description="What the contact must have agreed to, such as newsletter. Empty: no consent is asked for, and only who has refused marketing mail is left out; on what legal ground the others are mailed is yours to say." data={fields?.purposes ?? []} readOnly={!mayWrite} {...form.getInputProps('purpose')} />
              )}
            </Paper>
            <Paper withBorder p="md">
              <Title order={2} mb={4}>When the server stood still</Title>
              <Text size="sm" className="faint" mb="sm">After an outage, contacts whose wait is over go on late. Mail that makes no sense any more is better not sent: let go of whom it concerns. What a pause or a failed step held back is not late.</Text>
              <Switch disabled={!mayWrite} label="Let go of contacts who are too late" checked={form.values.expire_late !== null} onChange={(event) => form.setFieldValue('expire_late', event.currentTarget.checked ? 'P2D' : null)} />
              {form.values.expire_late !== null && (
                <Group mt="sm" pl={46}><DurationInput label="Late by more than" value={form.values.expire_late} error={form.errors.expire_late} disabled={!mayWrite} onChange={(value) => form.setFieldValue('expire_late', value)} /></Group>
              )}
            </Paper>
            {mayWrite && <Group><Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>Save the draft</Button><Text size="sm" className="faint">Contacts get it once it is published.</Text></Group>}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}><Outline definition={definition} /></Grid.Col>
      </Grid>
    </form>
  );
}
