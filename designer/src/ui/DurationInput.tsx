import { Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { durationOf, isPlain, partsOf, units, type Unit } from './duration';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: ReactNode;
  disabled?: boolean;
}

/** A length of time as a number and a unit; its value is ISO 8601, such as P2D. One that was written in another way stays text. */
export function DurationInput({ label, value, onChange, error, disabled = false }: Props) {
  if (!isPlain(value)) {
    return <TextInput label={label} description="Such as P2D, PT30M or 1.02:00:00" value={value} error={error} disabled={disabled} w={220} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
  const { amount, unit } = partsOf(value);
  return (
    <Stack gap={4}>
      <Group gap={6} wrap="nowrap" align="flex-end">
        <NumberInput label={label} min={0} max={100_000} allowDecimal={false} value={amount} error={Boolean(error)} disabled={disabled} w={100} styles={{ label: { whiteSpace: 'nowrap' } }}
          onChange={(changed) => onChange(durationOf(Number(changed) || 0, unit))} />
        <Select aria-label={`${label}: unit`} data={units} value={unit} disabled={disabled} allowDeselect={false} w={110} onChange={(changed) => onChange(durationOf(amount, changed as Unit))} />
      </Group>
      {error && <Text size="xs" c="var(--mantine-color-error)" role="alert">{error}</Text>}
    </Stack>
  );
}
