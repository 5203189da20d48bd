import { queryOptions } from '@tanstack/react-query';
import { api, data, type Schemas } from '../../api/client';

export type Endpoint = Schemas['WebhookEndpoint'];
export type Delivery = Schemas['WebhookDelivery'];
export type Attempt = Schemas['WebhookAttempt'];

/** Stands for all types. */
export const allTypes = '*';

export const endpointsKey = ['webhook-endpoints'];

export const endpointsQuery = queryOptions({ queryKey: endpointsKey, queryFn: () => data(api.GET('/api/v1/webhook-endpoints')) });

export const factTypesQuery = queryOptions({ queryKey: ['fact-types'], queryFn: () => data(api.GET('/api/v1/fact-types')), staleTime: Infinity });

export const pathOf = (endpoint: Endpoint, rest = '') => `/webhook-endpoints/${endpoint.id}${rest}`;

/** Of a deletion under way: what is being deleted is asked for no more. */
export const deletionKey = (endpoint: Endpoint) => ['delete-webhook', endpoint.id];

export const deliveriesKey = (endpoint: Endpoint) => ['webhook-deliveries', endpoint.id];

/** What became of a call, in a word or two. */
export const outcomeOf = ({ status, answer }: Attempt) => (status === null ? answer : answer ? `${status}: ${answer}` : String(status));
