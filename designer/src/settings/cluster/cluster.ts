import { queryOptions } from '@tanstack/react-query';
import { api, data, type Schemas } from '../../api/client';
import { describeInstant } from '../../ui/Moment';

export type ClusterState = Schemas['ClusterView'];
export type ClusterNode = Schemas['NodeView'];

/** All nodes and what waits on them; asked again while it is looked at. */
export const clusterQuery = queryOptions({ queryKey: ['cluster'], queryFn: () => data(api.GET('/api/v1/cluster')), refetchInterval: 5_000 });

export const roleLabels: Record<string, string> = { api: 'API and console', worker: 'Works journeys', ingest: 'Takes events in', sender: 'Sends mail' };

/** What a number that is not as it should be means, and what to do: the gravest first. */
export function hints({ at, nodes, lag_seconds, engine, messages }: ClusterState): string[] {
  const up = nodes.filter(({ status }) => status === 'up');
  const has = (role: string) => up.some(({ roles }) => roles.includes(role));
  const versions = new Set(up.map(({ version }) => version));
  const said = [
    !has('worker') && 'No node works journeys: events and waits stand still. Start one with the role worker.',
    !has('sender') && 'No node sends mail: it waits. Start one with the role sender.',
    ...nodes.filter(({ status }) => status === 'dead').map(({ name, roles, seen_at }) =>
      `${name} gives no sign of life (the last was ${describeInstant(seen_at, Date.parse(at), true)}): killed, frozen, or cut off from the database. ${heirs(roles.filter((role) => !has(role)))}`),
    lag_seconds > 60 && has('worker') && `What is to be worked waits for ${duration(lag_seconds)}. Where all shards wait, add workers or a faster database; where one does, an activity holds it up.`,
    engine.parked_activities > 0 && `${engine.parked_activities === 1 ? 'An activity is parked, because it fails' : `${engine.parked_activities} activities are parked, because they fail`} for everybody: the journeys’ numbers say which. What is parked is tried again by itself.`,
    engine.dead_letters > 0 && `${engine.dead_letters === 1 ? 'A dead letter has' : `${engine.dead_letters} dead letters have`} not been replayed: mend what they failed for, then replay them.`,
    messages.unknown > 0 && `The provider’s answer to ${messages.unknown === 1 ? 'a mail was' : `${messages.unknown} mails was`} lost: its report, or the time-out, settles whether it was sent.`,
    versions.size > 1 && `Nodes run different versions (${[...versions].sort().join(', ')}): as it is in the middle of an upgrade, and not for long.`,
  ];
  return said.filter((hint) => hint !== false);
}

/** Who does a dead node's work, when no living node has these of its roles. */
function heirs(missing: string[]): string {
  if (missing.length === 0) return 'Nodes of the same roles take its work over.';
  return `No other node has the ${missing.length === 1 ? 'role' : 'roles'} ${new Intl.ListFormat('en-GB').format(missing)}: that work waits.`;
}

/** A length of time, roughly: 45 s, 12 min, 3 h. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
