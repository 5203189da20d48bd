/** What an event carries: names and values, or JSON where these do not reach. */
export interface Payload {
  form: 'rows' | 'json';
  rows: Row[];
  json: string;
}

export interface Row {
  key: string;
  name: string;
  value: string;
}

export const newRow = (name = '', value = ''): Row => ({ key: crypto.randomUUID(), name, value });

/** A value as it is meant: 12.5 is a number, true a truth, ["a"] a list, "12" in quotes and everything else a text. */
export function meant(value: string): unknown {
  const text = value.trim();
  if (/^(true|false|null|-?\d+(\.\d+)?|[[{"].*)$/s.test(text)) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return value;
    }
  }
  return value;
}

/** The text that {@link meant} takes for this value. */
export function written(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return typeof meant(value) === 'string' && !value.startsWith('"') ? value : JSON.stringify(value);
}

export function objectOf(rows: Row[]) {
  return Object.fromEntries(rows.filter((row) => row.name.trim()).map((row) => [row.name.trim(), meant(row.value)]));
}

export function payloadOf(payload: Payload, name: string): Record<string, unknown> {
  return payload.form === 'rows' ? objectOf(payload.rows) : parseObject(payload.json, name);
}

/** JSON of an object; an error names what it was to be. */
export function parseObject(json: string, name: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json.trim() || '{}');
  } catch {
    throw new Error(`${name} is not JSON.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error(`${name} must be a JSON object: { … }.`);
  return parsed as Record<string, unknown>;
}

/** The same in the other form; null where the JSON cannot be read. */
export function turned(payload: Payload, form: Payload['form']): Payload | null {
  if (form === payload.form) return payload;
  if (form === 'json') return { ...payload, form, json: JSON.stringify(objectOf(payload.rows), null, 2) };
  try {
    return { ...payload, form, rows: Object.entries(parseObject(payload.json, '')).map(([name, value]) => newRow(name, written(value))) };
  } catch {
    return null;
  }
}
