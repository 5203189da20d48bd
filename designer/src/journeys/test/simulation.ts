import type { Schemas } from '../../api/client';

export type Simulation = Schemas['SimulationResult'];

export type ScriptKind = 'opened' | 'clicked' | 'event';

export interface ScriptLine {
  key: string;
  after: string;
  kind: ScriptKind;
  /** A template for opens and clicks, a type for events. */
  what: string;
  payload: string;
}

export interface Setup {
  who: 'made' | 'existing';
  userId: string;
  contact: string;
  input: string;
  until: string;
  script: ScriptLine[];
}

export const freshSetup: Setup = {
  who: 'made',
  userId: '',
  contact: JSON.stringify({ email: 'ada@example.org', first_name: 'Ada', time_zone: 'Europe/Berlin', consents: { marketing: true } }, null, 2),
  input: '{}',
  until: 'P90D',
  script: [],
};

export function newLine(): ScriptLine {
  return { key: crypto.randomUUID(), after: 'P2D', kind: 'opened', what: '', payload: '{}' };
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text || '{}');
  } catch {
    throw new Error(`${name} is not JSON.`);
  }
}

/** The request's body. */
export function requestOf(setup: Setup) {
  return {
    ...(setup.who === 'existing' ? { user_id: setup.userId } : { contact: parse(setup.contact, 'The contact') }),
    input: parse(setup.input, 'What the event carries'),
    until: setup.until,
    events: setup.script.filter((line) => line.what).map((line) => ({
      after: line.after,
      ...(line.kind === 'event' ? { event_type: line.what, payload: parse(line.payload, `What ${line.what} carries`) } : { [line.kind]: line.what }),
    })),
  };
}
