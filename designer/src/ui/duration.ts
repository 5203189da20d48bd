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

const plain = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/;

/** Whether a number and a unit say it. */
export function isPlain(value: string) {
  return plain.test(value);
}

/** Whether it is a length of time other than none; the server knows more ways to write one than the form. */
export function isSomeTime(value: string) {
  return isPlain(value) ? partsOf(value).amount > 0 : /[1-9]/.test(value);
}

/** The largest unit that says it whole. */
export function partsOf(value: string): { amount: number; unit: Unit } {
  const match = plain.exec(value);
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
  if (!isPlain(value)) return value;
  const { amount, unit } = partsOf(value);
  const label = units.find((candidate) => candidate.value === unit)!.label;
  return `${amount} ${amount === 1 ? label.slice(0, -1) : label}`;
}
