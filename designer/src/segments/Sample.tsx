import { Alert, Group, Loader, Paper, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { messageOf } from '../api/problem';
import { ContactTable } from '../contacts/ContactsPage';
import { count } from '../ui/numbers';
import { Empty } from '../ui/states';

/** Whom the rule finds at this moment. */
export function Sample({ rule }: { rule: string }) {
  const [asked] = useDebouncedValue(rule.trim(), 400);
  const preview = useQuery({
    queryKey: ['segments', 'preview', asked],
    queryFn: () => call<Schemas['SegmentPreview']>('POST', '/segments/preview', { body: { rule: asked } }),
    enabled: asked !== '',
    placeholderData: keepPreviousData,
  });
  if (!asked) return <Paper withBorder><Empty title="Say who is meant">The contacts whom the rule finds show here.</Empty></Paper>;
  const error = preview.error ? messageOf(preview.error) : preview.data?.error;
  return (
    <Paper withBorder>
      <Group px="md" pt="md" pb="xs" gap="sm" aria-live="polite">
        <Text fw={600}>{error || !preview.data ? 'Whom it finds' : `${count(preview.data.count)} ${preview.data.count === 1 ? 'contact' : 'contacts'} now`}</Text>
        {preview.isFetching && <Loader size="xs" />}
      </Group>
      {error ? <Alert color="red" m="md" mt={0} title="The rule cannot be read">{error}</Alert>
        : preview.data && (preview.data.sample.length > 0 ? <ContactTable contacts={preview.data.sample} /> : <Text size="sm" className="faint" px="md" pb="md">Nobody is in it now.</Text>)}
    </Paper>
  );
}
