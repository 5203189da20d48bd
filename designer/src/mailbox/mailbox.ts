import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';

export type CapturedEmail = Schemas['CapturedEmail'];

export function useMailbox(to: string, refetchInterval: number) {
  return useList<CapturedEmail>(
    ['mailbox', to],
    (cursor) => data(api.GET('/api/v1/sandbox/messages', { params: { query: { newest_first: true, limit: 50, ...(to && { to }), ...(cursor && { cursor }) } } })),
    { refetchInterval },
  );
}
