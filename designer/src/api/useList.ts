import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';

interface Page<T> {
  items: T[];
  next?: string | null;
}

/** A list of the API, page after page. */
export function useList<T>(key: readonly unknown[], read: (cursor: string | undefined) => Promise<Page<T>>, options: { refetchInterval?: number | false; enabled?: boolean } = {}) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    ...options,
  });
  return { ...query, items: query.data?.pages.flatMap((page) => page.items) ?? [] };
}
