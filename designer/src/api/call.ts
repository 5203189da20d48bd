import { refuse } from './client';

/** A request whose answer the API's description leaves open, such as a journey's Elsa JSON. Throws a Problem like the typed client. */
export async function call<T>(method: string, path: string, options: { query?: Record<string, string | number | boolean | undefined>; body?: unknown } = {}): Promise<T> {
  const query = new URLSearchParams(Object.entries(options.query ?? {}).filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => [name, String(value)]));
  const answer = await fetch(`/api/v1${path}${query.size > 0 ? `?${query}` : ''}`, {
    method,
    ...(options.body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(options.body) }),
  });
  if (!answer.ok) return refuse(answer);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
