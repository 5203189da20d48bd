import { useQuery, useQueryClient } from '@tanstack/react-query';
import { refuse, type Schemas } from '../api/client';

export type Role = Schemas['Role'];
export type Session = Schemas['SignedIn'];

const address = '/api/v1/session';
/** The cookie cannot be seen from here; this remembers whether it is worth asking the server about it. */
const remembered = 'mailflow-signed-in';

async function readSession(): Promise<Session | null> {
  if (!localStorage.getItem(remembered)) return null;
  const answer = await fetch(address);
  if (answer.status !== 401) return answer.ok ? ((await answer.json()) as Session) : refuse(answer);
  localStorage.removeItem(remembered);
  return null;
}

export function useSession() {
  return useQuery({ queryKey: ['session'], queryFn: readSession, staleTime: Infinity });
}

export async function signIn(email: string, password: string): Promise<Session> {
  const answer = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }) });
  if (!answer.ok) return refuse(answer);
  localStorage.setItem(remembered, 'yes');
  return (await answer.json()) as Session;
}

/** Forgets everything that was read as this user. */
export function useSignOut() {
  const queries = useQueryClient();
  return async () => {
    await fetch(address, { method: 'DELETE' });
    localStorage.removeItem(remembered);
    queries.clear();
    queries.setQueryData(['session'], null);
  };
}

const ranks: Role[] = ['viewer', 'editor', 'publisher', 'admin'];

/** Whether the user's role is at least this one. The server decides; this only spares them buttons that would be refused. */
export function useMay(role: Role): boolean {
  const { data } = useSession();
  return data != null && ranks.indexOf(data.role) >= ranks.indexOf(role);
}
