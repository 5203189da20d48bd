import type { Schemas } from '../../api/client';
import { blankContact, fieldsOf, type ContactForm } from './contact';
import { payloadOf, type Payload } from './payload';

export type Simulation = Schemas['SimulationResult'];

export type ScriptKind = 'opened' | 'clicked' | 'event' | 'contact';

/** Something that happens to the contact on a day of the test, by the tester's own clock. */
export interface ScriptLine {
  key: string;
  day: number;
  time: string;
  kind: ScriptKind;
  /** A template for opens and clicks, a type for events. */
  what: string;
  payload: Payload;
}

export interface Setup {
  who: 'made' | 'existing';
  userId: string | null;
  contact: ContactForm;
  input: Payload;
  /** As an input of date and time gives it; empty for now. */
  start: string;
  until: string;
  script: ScriptLine[];
}

export const emptyPayload: Payload = { form: 'rows', rows: [], json: '{}' };

export const freshSetup: Setup = { who: 'made', userId: null, contact: blankContact, input: emptyPayload, start: '', until: 'P90D', script: [] };

export function newLine(): ScriptLine {
  return { key: crypto.randomUUID(), day: 3, time: '10:00', kind: 'opened', what: '', payload: emptyPayload };
}

/** Which day of the test an instant is on: the first is 1. */
export function dayNumber(at: string | Date, start: string | Date) {
  const midnight = (instant: string | Date) => new Date(instant).setHours(0, 0, 0, 0);
  return Math.round((midnight(at) - midnight(start)) / 86_400_000) + 1;
}

/** The request's body. An error is told in words that name what is wrong. */
export function requestOf(setup: Setup) {
  const start = setup.start ? new Date(setup.start) : new Date();
  start.setMilliseconds(0);
  return {
    ...(setup.who === 'existing' ? { user_id: setup.userId } : { contact: fieldsOf(setup.contact) }),
    input: payloadOf(setup.input, 'What the starting event carries'),
    start: start.toISOString(),
    until: setup.until,
    events: setup.script.filter((line) => line.what.trim() || line.kind === 'contact').map((line) => ({ after: afterOf(line, start), ...happeningOf(line) })),
  };
}

function happeningOf(line: ScriptLine) {
  if (line.kind === 'event') return { event_type: line.what.trim(), payload: payloadOf(line.payload, `What “${line.what}” carries`) };
  if (line.kind === 'contact') return { contact: payloadOf(line.payload, 'What changes about the contact') };
  return { [line.kind]: line.what };
}

function afterOf({ day, time }: ScriptLine, start: Date) {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const at = new Date(start.getFullYear(), start.getMonth(), start.getDate() + day - 1, hours, minutes);
  const seconds = Math.round((at.getTime() - start.getTime()) / 1000);
  if (seconds < 0) throw new Error(`Day ${day}, ${time || '00:00'} is before the test begins (${start.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })} on day 1).`);
  return `PT${seconds}S`;
}
