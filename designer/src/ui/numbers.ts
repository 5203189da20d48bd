const format = new Intl.NumberFormat('en');

export function count(value: number) {
  return format.format(value);
}
