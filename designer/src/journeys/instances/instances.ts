import { call } from '../../api/call';
import { useList } from '../../api/useList';

export interface InstanceItem {
  id: string;
  user_id: string;
  version: number;
  status: string;
  sub_status: string;
  activity_id: string | null;
  activity_name: string | null;
  since: string | null;
  due_at: string | null;
  incident: string | null;
}

export function useJourneyInstances(journey: string, filter: { user_id?: string; state?: string; activity_id?: string }, refetchInterval: number) {
  return useList<InstanceItem>(
    ['journeys', 'instances', journey, filter],
    (cursor) => call('GET', `/journeys/${encodeURIComponent(journey)}/instances`, { query: { ...filter, cursor, limit: 50 } }),
    { refetchInterval },
  );
}
