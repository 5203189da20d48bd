import type { Edge, Node } from '@xyflow/react';
import type { Schemas } from '../../api/client';
import { activitiesOf, connectionsOf, kindName, labelOf, typeWords, type ElsaDefinition } from '../elsa';

export interface StepStats {
  passed: number;
  waiting: number;
  failed: number;
}

export interface StepData extends Record<string, unknown> {
  label: string;
  kind: string;
  type: string;
  stats: StepStats;
}

export type StepNode = Node<StepData, 'step'>;

/** How large a step's card is drawn. */
export const card = { width: 220, height: 78 };

const spacing = { x: 290, y: 120 };
const nothing: StepStats = { passed: 0, waiting: 0, failed: 0 };

/** The journey as it was drawn, what leads to a step before it; steps without a place are put after what leads to them. */
export function graphOf(definition: ElsaDefinition, stats: Schemas['ActivityStats'][]): { nodes: StepNode[]; edges: Edge[] } {
  const numbers = new Map<string, StepStats>(stats.map((entry) => [entry.activity_id, entry]));
  const depth = depthsOf(definition);
  const places = tightened(placesOf(definition, depth));
  const nodes = activitiesOf(definition).map<StepNode>((activity) => {
    const [label, kind, here] = [labelOf(activity), kindName(activity.type), numbers.get(activity.id) ?? nothing];
    return {
      id: activity.id,
      type: 'step',
      position: places.get(activity.id)!,
      ...card,
      ariaRole: 'button',
      data: { label, kind, type: activity.type, stats: here },
    };
  });
  const edges = connectionsOf(definition).map<Edge>(({ source, target }) => {
    const port = source.port && source.port !== 'Done' ? typeWords(source.port) : undefined;
    return { id: `${source.activity}/${source.port ?? 'Done'}/${target.activity}`, source: source.activity, target: target.activity, type: 'smoothstep', ...(port && { label: port }) };
  });
  return { nodes: nodes.sort((a, b) => (depth.get(a.id) ?? Infinity) - (depth.get(b.id) ?? Infinity)), edges };
}

type Places = Map<string, { x: number; y: number }>;

function placesOf(definition: ElsaDefinition, depth: Map<string, number>): Places {
  const rows = new Map<number, number>();
  return new Map(activitiesOf(definition).map((activity) => {
    const drawn = activity.metadata?.designer?.position;
    if (drawn) return [activity.id, drawn];
    const column = depth.get(activity.id) ?? 0;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return [activity.id, { x: column * spacing.x, y: row * spacing.y }];
  }));
}

/** As drawn, but without the room that Studio's wider cards need: so more of the journey can be read at once. */
function tightened(places: Places): Places {
  const all = [...places.values()];
  const gaps = all.flatMap((a) => all.filter((b) => b.x > a.x && Math.abs(b.y - a.y) < card.height).map((b) => b.x - a.x));
  const factor = gaps.length === 0 ? 1 : Math.min(1, Math.max(0.5, spacing.x / Math.min(...gaps)));
  return new Map([...places].map(([id, { x, y }]) => [id, { x: x * factor, y }]));
}

/** How many steps lead to each at the shortest; a loop leads back and counts for nothing. */
function depthsOf(definition: ElsaDefinition) {
  const connections = connectionsOf(definition);
  const targets = new Set(connections.map((connection) => connection.target.activity));
  let front = activitiesOf(definition).filter((activity) => !targets.has(activity.id)).map((activity) => activity.id);
  const depth = new Map(front.map((id) => [id, 0]));
  for (let distance = 1; front.length > 0; distance++) {
    const next = connections.filter((connection) => front.includes(connection.source.activity) && !depth.has(connection.target.activity)).map((connection) => connection.target.activity);
    for (const id of next) depth.set(id, distance);
    front = [...new Set(next)];
  }
  return depth;
}
