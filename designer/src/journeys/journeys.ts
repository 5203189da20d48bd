import { useQuery } from '@tanstack/react-query';
import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';

export type JourneyState = 'draft' | 'published' | 'paused' | 'unpublished';

export type JourneyItem = Schemas['JourneyListItem'] & { state: JourneyState };

interface Filter {
  search?: string;
  state?: string;
  cursor?: string | undefined;
}

async function readJourneys({ search, state, cursor }: Filter) {
  const page = await data(api.GET('/api/v1/journeys', { params: { query: { limit: 200, ...(search && { search }), ...(state && { state }), ...(cursor && { cursor }) } } }));
  return { ...page, items: page.items as JourneyItem[] };
}

export function useJourneys(filter: { search?: string; state?: string } = {}) {
  return useList<JourneyItem>(
    ['journeys', 'list', filter],
    (cursor) => readJourneys({ ...filter, cursor }),
    { refetchInterval: 10_000 },
  );
}

/** One journey's line of the list. */
export function useJourney(id: string) {
  return useQuery({
    queryKey: ['journeys', 'one', id],
    queryFn: async () => (await readJourneys({ search: id })).items.find((item) => item.definition_id === id) ?? null,
    refetchInterval: 10_000,
  });
}

/** Whether contacts do not get yet what was drawn last. A draft that never ran says so by its state. */
export const hasChanges = ({ latest_version, published_version }: JourneyItem) => published_version !== null && latest_version > published_version;

export const pathOf = (id: string) => `/journeys/${encodeURIComponent(id)}`;
