import { MutationCache, QueryClient } from '@tanstack/react-query';
import { toastError } from '../ui/toast';
import { onSignedOut } from './client';
import { Problem } from './problem';

/** What the server said, kept for a moment. A change that fails is said in a toast unless its caller shows it itself: all of it (meta.quiet), or one status (meta.shows). */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 3_000, retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500) },
  },
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      const isShown = mutation.meta?.quiet || (error instanceof Problem && [401, mutation.meta?.shows].includes(error.status));
      if (!isShown) toastError(error);
    },
  }),
});

onSignedOut(() => queries.setQueryData(['session'], null));
