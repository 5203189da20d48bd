import { useQuery } from '@tanstack/react-query';
import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';

export type Contact = Schemas['ContactDetails'];

const page = (cursor: string | undefined, limit = 50) => ({ limit, ...(cursor && { cursor }) });

export function useContacts(search: string) {
  return useList<Contact>(['contacts', 'list', search], (cursor) => data(api.GET('/api/v1/contacts', { params: { query: { ...page(cursor), ...(search && { search }) } } })));
}

export function useContact(userId: string) {
  return useQuery({
    queryKey: ['contacts', 'one', userId],
    queryFn: () => data(api.GET('/api/v1/contacts/{userId}', { params: { path: { userId } } })),
    refetchInterval: 5_000,
  });
}

export function useTrace(userId: string) {
  return useList<Schemas['TraceEntry']>(['contacts', 'trace', userId], (cursor) => data(api.GET('/api/v1/contacts/{userId}/trace', { params: { path: { userId }, query: page(cursor, 200) } })), { refetchInterval: 5_000 });
}

export function useContactEvents(userId: string) {
  return useList<Schemas['RecordedEvent']>(['contacts', 'events', userId], (cursor) => data(api.GET('/api/v1/contacts/{userId}/events', { params: { path: { userId }, query: page(cursor) } })));
}

export function useContactConsents(userId: string) {
  return useList<Schemas['ConsentEntry']>(['contacts', 'consents', userId], (cursor) => data(api.GET('/api/v1/contacts/{userId}/consents', { params: { path: { userId }, query: page(cursor) } })));
}

export function useContactInstances(userId: string) {
  return useList<Schemas['ContactInstance']>(['contacts', 'instances', userId], (cursor) => data(api.GET('/api/v1/contacts/{userId}/instances', { params: { path: { userId }, query: page(cursor) } })));
}

export function useContactMessages(userId: string) {
  return useList<Schemas['Message']>(['contacts', 'messages', userId], (cursor) => data(api.GET('/api/v1/messages', { params: { query: { ...page(cursor), user_id: userId } } })), { refetchInterval: 5_000 });
}

export function nameOf(contact: Pick<Contact, 'first_name' | 'last_name'>) {
  return [contact.first_name, contact.last_name].filter(Boolean).join(' ');
}
