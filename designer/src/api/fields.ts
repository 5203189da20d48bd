import { queryOptions } from '@tanstack/react-query';
import { call } from './call';

export interface Field {
  name: string;
  type: string;
  examples?: unknown[];
}

export interface Fields {
  contact: Field[];
  tags: string[];
  events: { event_type: string; fields: Field[] }[];
  purposes: string[];
}

/** What the account's data holds: the choices of every form that asks for a field, a tag or an event. */
export const fieldsQuery = queryOptions({ queryKey: ['fields'], queryFn: () => call<Fields>('GET', '/fields'), staleTime: 60_000 });
