import { MutationCache, QueryClient } from '@tanstack/react-query';
import { toastError } from '../ui/toast';
import { onSignedOut } from './client';
import { Problem } from './problem';

/** What the server said, kept for a moment. A change that fails is said in a toast unless its caller shows it itself (meta.quiet). */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 3_000, retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500) },
  },
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      if (!mutation.meta?.quiet && !(error instanceof Problem && error.status === 401)) toastError(error);
    },
  }),
});

onSignedOut(() => queries.setQueryData(['session'], null));
