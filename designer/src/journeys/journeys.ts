import { useQuery } from '@tanstack/react-query';
import { call } from '../api/call';
import { useList } from '../api/useList';

export type JourneyState = 'draft' | 'published' | 'paused' | 'unpublished';

export interface JourneyItem {
  definition_id: string;
  name: string;
  description: string | null;
  state: JourneyState;
  version: number;
  updated_at: string;
  stats: { entered: number; waiting: number; completed: number; exited: number; faulted: number; emails_7d: number; entered_7d: number };
}

export function useJourneys(filter: { search?: string; state?: string } = {}) {
  return useList<JourneyItem>(
    ['journeys', 'list', filter],
    (cursor) => call('GET', '/journeys', { query: { ...filter, cursor, limit: 200 } }),
    { refetchInterval: 10_000 },
  );
}

/** One journey's line of the list. */
export function useJourney(id: string) {
  return useQuery({
    queryKey: ['journeys', 'one', id],
    queryFn: async () => (await call<{ items: JourneyItem[] }>('GET', '/journeys', { query: { search: id, limit: 200 } })).items.find((item) => item.definition_id === id) ?? null,
    refetchInterval: 10_000,
  });
}

export const pathOf = (id: string) => `/journeys/${encodeURIComponent(id)}`;
