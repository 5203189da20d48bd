import { useQuery } from '@tanstack/react-query';
import { call } from '../api/call';
import type { ElsaDefinition } from './elsa';

/** A journey as Elsa JSON: its latest version, or the one asked for. */
export function useDefinition(id: string, version?: number, enabled = true) {
  return useQuery({
    queryKey: ['journeys', 'definition', id, version ?? 'latest'],
    queryFn: () => call<ElsaDefinition>('GET', `/journeys/${encodeURIComponent(id)}`, { query: { version } }),
    enabled,
  });
}
