import { api, data, type Schemas } from '../../api/client';
import { useList } from '../../api/useList';

export type InstanceItem = Schemas['JourneyInstance'];

export function useJourneyInstances(journey: string, filter: { user_id?: string; state?: string; activity_id?: string }, refetchInterval: number) {
  return useList<InstanceItem>(
    ['journeys', 'instances', journey, filter],
    (cursor) => data(api.GET('/api/v1/journeys/{definitionId}/instances', {
      params: {
        path: { definitionId: journey },
        query: { limit: 50, ...Object.fromEntries(Object.entries({ ...filter, cursor }).filter(([, value]) => value)) },
      },
    })),
    { refetchInterval },
  );
}
