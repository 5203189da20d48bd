import { Group, NumberInput, Select } from '@mantine/core';
import { durationOf, partsOf, units, type Unit } from './duration';

/** A length of time as a number and a unit; its value is ISO 8601, such as P2D. */
export function DurationInput({ label, value, onChange, disabled = false }: { label: string; value: string; onChange: (value: string) => void; disabled?: boolean }) {
  const { amount, unit } = partsOf(value);
  return (
    <Group gap={6} wrap="nowrap" align="flex-end">
      <NumberInput label={label} min={0} max={100_000} allowDecimal={false} value={amount} disabled={disabled} w={100} onChange={(changed) => onChange(durationOf(Number(changed) || 0, unit))} />
      <Select aria-label={`${label}: unit`} data={units} value={unit} disabled={disabled} allowDeselect={false} w={110} onChange={(changed) => onChange(durationOf(amount, changed as Unit))} />
    </Group>
  );
}
