import createClient from 'openapi-fetch';
import { Problem } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

let whenSignedOut = () => {};

/** Called when the server no longer knows the session. */
export function onSignedOut(handler: () => void) {
  whenSignedOut = handler;
}

export async function refuse(response: Response): Promise<never> {
  if (response.status === 401) whenSignedOut();
  throw await Problem.of(response);
}

/** The API, typed by its own description. An answer that is not a success is thrown as a {@link Problem}. */
export const api = createClient<paths>({ baseUrl: window.location.origin });

api.use({
  onResponse: async ({ response }) => {
    if (!response.ok) await refuse(response);
  },
});

/** The body of an answer. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
