import { ActionIcon, Autocomplete, Button, Group, JsonInput, Paper, SegmentedControl, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react';
import { fieldsQuery } from '../../api/fields';
import { DurationInput } from '../../ui/DurationInput';
import { activitiesOf, literal } from '../elsa';
import { useDefinition } from '../useDefinition';
import { newLine, type ScriptKind, type ScriptLine, type Setup } from './simulation';

const mono = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } };

export function SetupForm({ journey, setup, onChange, onRun, running }: { journey: string; setup: Setup; onChange: (setup: Setup) => void; onRun: () => void; running: boolean }) {
  const set = <K extends keyof Setup>(name: K, value: Setup[K]) => onChange({ ...setup, [name]: value });
  const { data: definition } = useDefinition(journey);
  const activities = definition ? activitiesOf(definition) : [];
  const templates = [...new Set(activities.filter((activity) => activity.type === 'MailFlow.SendEmail').map((activity) => literal(activity, 'template')).filter((key) => key !== null))];
  const changeLine = (line: ScriptLine) => set('script', setup.script.map((other) => (other.key === line.key ? line : other)));
  return (
    <form onSubmit={(event) => { event.preventDefault(); onRun(); }}>
      <Stack>
        <Paper withBorder p="md">
          <Title order={2} mb="sm">Who</Title>
          <SegmentedControl fullWidth size="xs" mb="sm" aria-label="Which contact" value={setup.who} onChange={(value) => set('who', value)}
            data={[{ value: 'made', label: 'A made-up contact' }, { value: 'existing', label: 'An existing contact' }]} />
          {setup.who === 'existing'
            ? <TextInput label="User id" description="The contact is copied; nothing happens to the real one." value={setup.userId} onChange={(event) => set('userId', event.currentTarget.value)} />
            : <JsonInput aria-label="The contact as JSON" autosize minRows={4} styles={mono} value={setup.contact} onChange={(value) => set('contact', value)} formatOnBlur validationError="This is not JSON" />}
          <JsonInput mt="sm" label="What the starting event carries" autosize minRows={2} styles={mono} value={setup.input} onChange={(value) => set('input', value)} formatOnBlur validationError="This is not JSON" />
        </Paper>
        <Paper withBorder p="md">
          <Group justify="space-between" mb="sm">
            <Title order={2}>What happens on the way</Title>
            <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} />} onClick={() => set('script', [...setup.script, newLine()])}>Add</Button>
          </Group>
          {setup.script.length === 0 && <Text size="sm" className="faint">Nothing: the contact neither opens a mail nor does anything else.</Text>}
          <Stack gap="md">
            {setup.script.map((line) => <Line key={line.key} line={line} templates={templates} onChange={changeLine} onRemove={() => set('script', setup.script.filter((other) => other !== line))} />)}
          </Stack>
        </Paper>
        <Group align="flex-end" justify="space-between">
          <DurationInput label="How long" value={setup.until} onChange={(value) => set('until', value)} />
          <Button type="submit" leftSection={<IconPlayerPlay size={16} />} loading={running} disabled={setup.who === 'existing' && !setup.userId.trim()}>Run the test</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Line({ line, templates, onChange, onRemove }: { line: ScriptLine; templates: string[]; onChange: (line: ScriptLine) => void; onRemove: () => void }) {
  const { data: fields } = useQuery(fieldsQuery);
  return (
    <Stack gap={6}>
      <Group gap="xs" justify="space-between" align="flex-end" wrap="nowrap">
        <DurationInput label="After" value={line.after} onChange={(after) => onChange({ ...line, after })} />
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Remove" onClick={onRemove}><IconTrash size={16} /></ActionIcon>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Select aria-label="What happens" allowDeselect={false} w={150} value={line.kind} onChange={(kind) => onChange({ ...line, kind: kind as ScriptKind, what: '' })}
          data={[{ value: 'opened', label: 'opens the mail' }, { value: 'clicked', label: 'clicks in the mail' }, { value: 'event', label: 'causes the event' }]} />
        {line.kind === 'event'
          ? <Autocomplete aria-label="Event" placeholder="order_placed" style={{ flex: 1 }} data={fields?.events.map((event) => event.event_type) ?? []} value={line.what} onChange={(what) => onChange({ ...line, what })} />
          : <Select aria-label="Mail" placeholder="Which mail" style={{ flex: 1 }} data={templates} value={line.what || null} onChange={(what) => onChange({ ...line, what: what ?? '' })} />}
      </Group>
      {line.kind === 'event' && <JsonInput aria-label="What the event carries" autosize minRows={1} styles={mono} value={line.payload} onChange={(payload) => onChange({ ...line, payload })} validationError="This is not JSON" />}
    </Stack>
  );
}
