import looks from '../../activities.json';

/** What the console reads of a journey's Elsa JSON; everything else passes through untouched. */
export interface ElsaDefinition {
  definitionId: string;
  name: string;
  description?: string | null;
  version: number;
  customProperties?: Record<string, unknown> | null;
  root?: { activities?: ElsaActivity[]; connections?: ElsaConnection[] };
  [other: string]: unknown;
}

export interface ElsaActivity {
  id: string;
  type: string;
  name?: unknown;
  metadata?: { displayText?: string; description?: string; designer?: { position?: { x: number; y: number }; size?: { width: number; height: number } } };
  [input: string]: unknown;
}

export interface ElsaConnection {
  source: { activity: string; port?: string | null };
  target: { activity: string; port?: string | null };
}

export const activitiesOf = (definition: ElsaDefinition) => definition.root?.activities ?? [];
export const connectionsOf = (definition: ElsaDefinition) => definition.root?.connections ?? [];

/** What Studio calls the kind of activity. */
export function kindName(type: string) {
  return (looks as Record<string, { name?: string } | undefined>)[type]?.name ?? typeWords(type.replace(/^Elsa\.Flow(?=[A-Z])/, ''));
}

/** "MailFlow.WaitForEvent" as words. */
export function typeWords(type: string) {
  const words = type.replace(/^.*\./, '').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function labelOf(activity: ElsaActivity) {
  return activity.metadata?.displayText || (typeof activity.name === 'string' && activity.name) || kindName(activity.type);
}

/** The literal text of an input, or null where it is an expression or not set. */
export function literal(activity: ElsaActivity, input: string): string | null {
  const written = activity[input];
  if (typeof written === 'string') return written;
  const expression = (written as { expression?: { type?: string; value?: unknown } } | undefined)?.expression;
  return expression?.type === 'Literal' && typeof expression.value === 'string' ? expression.value : null;
}

/** A journey with one trigger and nothing after it. */
export function emptyJourney(id: string, name: string) {
  return {
    definitionId: id,
    name,
    description: '',
    toolVersion: '3.8.2.0',
    variables: [],
    inputs: [],
    outputs: [],
    outcomes: [],
    customProperties: { mailflow: { entry: 'every_time', stream: 'marketing' } },
    options: {},
    root: {
      id: `${id}-flow`, nodeId: `Workflow1:${id}-flow`, name: 'Flowchart1', type: 'Elsa.Flowchart', version: 1,
      customProperties: { canStartWorkflow: false, runAsynchronously: false }, metadata: {}, variables: [], activities: [], connections: [],
    },
  };
}
