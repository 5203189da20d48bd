import type { Edge, Node } from '@xyflow/react';
import type { Schemas } from '../../api/client';
import { activitiesOf, connectionsOf, labelOf, typeWords, type ElsaDefinition } from '../elsa';

export interface StepData extends Record<string, unknown> {
  label: string;
  kind: string;
  type: string;
  stats: { passed: number; waiting: number; failed: number } | null;
}

export type StepNode = Node<StepData, 'step'>;

const spacing = { x: 290, y: 120 };

/** The journey as it was drawn; steps without a place are put after what leads to them. */
export function graphOf(definition: ElsaDefinition, stats: Schemas['ActivityStats'][]): { nodes: StepNode[]; edges: Edge[] } {
  const numbers = new Map(stats.map((entry) => [entry.activity_id, entry]));
  const places = placesOf(definition);
  const nodes = activitiesOf(definition).map<StepNode>((activity) => ({
    id: activity.id,
    type: 'step',
    position: places.get(activity.id)!,
    data: { label: labelOf(activity), kind: typeWords(activity.type), type: activity.type, stats: numbers.get(activity.id) ?? null },
  }));
  const edges = connectionsOf(definition).map<Edge>(({ source, target }) => {
    const port = source.port && source.port !== 'Done' ? typeWords(source.port) : undefined;
    return { id: `${source.activity}/${source.port ?? 'Done'}/${target.activity}`, source: source.activity, target: target.activity, type: 'smoothstep', ...(port && { label: port }) };
  });
  return { nodes, edges };
}

function placesOf(definition: ElsaDefinition) {
  const activities = activitiesOf(definition);
  const depth = depthsOf(definition);
  const rows = new Map<number, number>();
  return new Map(activities.map((activity) => {
    const drawn = activity.metadata?.designer?.position;
    if (drawn) return [activity.id, drawn];
    const column = depth.get(activity.id) ?? 0;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return [activity.id, { x: column * spacing.x, y: row * spacing.y }];
  }));
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
