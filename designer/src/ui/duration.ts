export type Unit = 'M' | 'H' | 'D' | 'W';

export const units: { value: Unit; label: string }[] = [
  { value: 'M', label: 'minutes' },
  { value: 'H', label: 'hours' },
  { value: 'D', label: 'days' },
  { value: 'W', label: 'weeks' },
];

export function durationOf(amount: number, unit: Unit) {
  return unit === 'M' || unit === 'H' ? `PT${amount}${unit}` : `P${amount}${unit}`;
}

/** The largest unit that says it whole. */
export function partsOf(value: string): { amount: number; unit: Unit } {
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(value);
  if (!match) return { amount: 1, unit: 'D' };
  const given = (index: number) => match[index] !== undefined;
  const [weeks, days, hours, minutes] = [1, 2, 3, 4].map((index) => Number(match[index] ?? 0)) as [number, number, number, number];
  if (given(4)) return { amount: ((weeks * 7 + days) * 24 + hours) * 60 + minutes, unit: 'M' };
  if (given(3)) return { amount: (weeks * 7 + days) * 24 + hours, unit: 'H' };
  if (given(2)) return { amount: weeks * 7 + days, unit: 'D' };
  return { amount: weeks, unit: 'W' };
}

/** "P2D" as "2 days". */
export function describeDuration(value: string) {
  const { amount, unit } = partsOf(value);
  const label = units.find((candidate) => candidate.value === unit)!.label;
  return `${amount} ${amount === 1 ? label.slice(0, -1) : label}`;
}
