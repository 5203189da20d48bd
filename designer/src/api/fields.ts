import { queryOptions } from '@tanstack/react-query';
import { api, data, type Schemas } from './client';

export type Field = Schemas['KnownField'];
export type Fields = Schemas['KnownData'];

/** What the account's data holds: the choices of every form that asks for a field, a tag or an event. */
export const fieldsQuery = queryOptions({ queryKey: ['fields'], queryFn: () => data(api.GET('/api/v1/fields')), staleTime: 60_000 });
