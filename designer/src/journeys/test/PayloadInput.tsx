import { ActionIcon, Anchor, Autocomplete, Button, Group, Input, JsonInput, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { toastError } from '../../ui/toast';
import { newRow, turned, type Payload, type Row } from './payload';

const mono = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } };

/** Names and values in rows; JSON for who needs lists and objects in them. */
export function PayloadInput({ label, value, onChange, names = [] }: { label: string; value: Payload; onChange: (value: Payload) => void; names?: string[] }) {
  const turn = () => {
    const next = turned(value, value.form === 'rows' ? 'json' : 'rows');
    if (next) onChange(next);
    else toastError(new Error('This is not a JSON object: put it right first.'));
  };
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Input.Label>{label}</Input.Label>
        <Anchor component="button" type="button" size="xs" onClick={turn}>{value.form === 'rows' ? 'Advanced: JSON' : 'As fields'}</Anchor>
      </Group>
      {value.form === 'json'
        ? <JsonInput aria-label={`${label}: JSON`} autosize minRows={3} maxRows={16} styles={mono} value={value.json} onChange={(json) => onChange({ ...value, json })} formatOnBlur validationError="This is not JSON" />
        : <RowsInput label={label} rows={value.rows} onChange={(rows) => onChange({ ...value, rows })} names={names} />}
    </Stack>
  );
}

export function RowsInput({ label, rows, onChange, names = [] }: { label: string; rows: Row[]; onChange: (rows: Row[]) => void; names?: string[] }) {
  const change = (row: Row, to: Partial<Row>) => onChange(rows.map((other) => (other === row ? { ...row, ...to } : other)));
  return (
    <Stack gap={6}>
      {rows.map((row, index) => (
        <Group key={row.key} gap={6} wrap="nowrap">
          <Autocomplete aria-label={`${label}: name ${index + 1}`} placeholder="Name" data={names} value={row.name} onChange={(name) => change(row, { name })} style={{ flex: 1 }} />
          <TextInput aria-label={`${label}: value ${index + 1}`} placeholder="Value" value={row.value} onChange={(event) => change(row, { value: event.currentTarget.value })} style={{ flex: 1 }} />
          <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${row.name || 'the row'}`} onClick={() => onChange(rows.filter((other) => other !== row))}><IconTrash size={16} /></ActionIcon>
        </Group>
      ))}
      <Group><Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={13} />} aria-label={`Add a field: ${label}`} onClick={() => onChange([...rows, newRow()])}>Add a field</Button></Group>
    </Stack>
  );
}
