import { ActionIcon, Autocomplete, Button, Group, NumberInput, Paper, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react';
import { fieldsQuery, type Fields } from '../../api/fields';
import { DurationInput } from '../../ui/DurationInput';
import { activitiesOf, literal } from '../elsa';
import { useDefinition } from '../useDefinition';
import { PayloadInput } from './PayloadInput';
import { newLine, type ScriptKind, type ScriptLine, type Setup } from './simulation';
import classes from './test.module.css';
import { WhoForm } from './WhoForm';

const happenings: { value: ScriptKind; label: string }[] = [
  { value: 'opened', label: 'opens the mail' },
  { value: 'clicked', label: 'clicks in the mail' },
  { value: 'event', label: 'causes the event' },
  { value: 'contact', label: 'changes' },
];

export function SetupForm({ journey, setup, onChange, onRun, running }: { journey: string; setup: Setup; onChange: (setup: Setup) => void; onRun: () => void; running: boolean }) {
  const set = (change: Partial<Setup>) => onChange({ ...setup, ...change });
  const { data: fields } = useQuery(fieldsQuery);
  const { data: definition } = useDefinition(journey);
  const activities = definition ? activitiesOf(definition) : [];
  const templates = [...new Set(activities.filter((activity) => activity.type === 'MailFlow.SendEmail').map((activity) => literal(activity, 'template')).filter((key) => key !== null))];
  const starting = activities.filter((activity) => activity.type === 'MailFlow.EventReceived').map((activity) => literal(activity, 'eventType'));
  const changeLine = (line: ScriptLine) => set({ script: setup.script.map((other) => (other.key === line.key ? line : other)) });
  return (
    <form onSubmit={(event) => { event.preventDefault(); onRun(); }}>
      <Stack>
        <Paper withBorder p="md">
          <Title order={2} mb="sm">Who</Title>
          <WhoForm setup={setup} onChange={set} />
        </Paper>
        <Paper withBorder p="md">
          <Title order={2} mb="sm">How it begins</Title>
          <Stack gap="sm">
            <TextInput label="On" description="Empty: now." type="datetime-local" value={setup.start} onChange={(event) => set({ start: event.currentTarget.value })} />
            <PayloadInput label="What the starting event carries" value={setup.input} onChange={(input) => set({ input })} names={namesIn(fields, starting)} />
          </Stack>
        </Paper>
        <Paper withBorder p="md">
          <Group justify="space-between" mb="sm">
            <Title order={2}>What happens on the way</Title>
            <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} />} onClick={() => set({ script: [...setup.script, newLine()] })}>Add</Button>
          </Group>
          {setup.script.length === 0 && <Text size="sm" className="faint">Nothing: the contact neither opens a mail nor does anything else.</Text>}
          <Stack gap="lg">
            {setup.script.map((line) => <Line key={line.key} line={line} templates={templates} fields={fields} onChange={changeLine} onRemove={() => set({ script: setup.script.filter((other) => other !== line) })} />)}
          </Stack>
        </Paper>
        <Group align="flex-end" justify="space-between" className={classes.run}>
          <DurationInput label="How long" value={setup.until} onChange={(until) => set({ until })} />
          <Button type="submit" leftSection={<IconPlayerPlay size={16} />} loading={running} disabled={setup.who === 'existing' && !setup.userId}>Run the test</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What events of these types were seen to carry. */
function namesIn(fields: Fields | undefined, types: (string | null)[]) {
  return [...new Set(fields?.events.filter((event) => types.includes(event.event_type)).flatMap((event) => event.fields.map((field) => field.name)) ?? [])];
}

function Line({ line, templates, fields, onChange, onRemove }: { line: ScriptLine; templates: string[]; fields: Fields | undefined; onChange: (line: ScriptLine) => void; onRemove: () => void }) {
  const set = (change: Partial<ScriptLine>) => onChange({ ...line, ...change });
  return (
    <Stack gap={6}>
      <Group gap={6} wrap="nowrap">
        <Text size="sm">On day</Text>
        <NumberInput aria-label="Day" min={1} max={1825} allowDecimal={false} value={line.day} onChange={(day) => set({ day: Number(day) || 1 })} w={72} />
        <Text size="sm">at</Text>
        <TextInput aria-label="Time" type="time" required value={line.time} onChange={(event) => set({ time: event.currentTarget.value })} style={{ flex: 1 }} />
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Remove" onClick={onRemove}><IconTrash size={16} /></ActionIcon>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Select aria-label="What happens" allowDeselect={false} w={160} data={happenings} value={line.kind} onChange={(kind) => set({ kind: kind as ScriptKind, what: '' })} />
        {line.kind === 'event' && <Autocomplete aria-label="Event" placeholder="order_placed" style={{ flex: 1 }} data={fields?.events.map((event) => event.event_type) ?? []} value={line.what} onChange={(what) => set({ what })} />}
        {(line.kind === 'opened' || line.kind === 'clicked') && <Select aria-label="Mail" placeholder="Which mail" style={{ flex: 1 }} data={templates} value={line.what || null} onChange={(what) => set({ what: what ?? '' })} />}
      </Group>
      {line.kind === 'event' && <PayloadInput label="What the event carries" value={line.payload} onChange={(payload) => set({ payload })} names={namesIn(fields, [line.what])} />}
      {line.kind === 'contact' && <PayloadInput label="What is different from then on" value={line.payload} onChange={(payload) => set({ payload })} names={fields?.contact.map((field) => field.name) ?? []} />}
    </Stack>
  );
}
