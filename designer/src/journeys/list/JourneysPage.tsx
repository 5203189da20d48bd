import { Button, Group, Paper, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlus, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { useMay } from '../../session/session';
import { More } from '../../ui/More';
import { PageHeader } from '../../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { useJourneys } from '../journeys';
import { JourneyMenu } from './JourneyMenu';
import { JourneyTable } from './JourneyTable';
import { NewJourneyDialog } from './NewJourneyDialog';

const states = [
  { value: 'published', label: 'Runs' },
  { value: 'paused', label: 'Paused' },
  { value: 'draft', label: 'Draft' },
  { value: 'unpublished', label: 'Stopped' },
];

export function JourneysPage() {
  const [query, setQuery] = useSearchParams();
  const [search, setSearch] = useState('');
  const [state, setState] = useState<string | null>(null);
  const [sought] = useDebouncedValue(search.trim(), 250);
  const journeys = useJourneys({ search: sought, state: state ?? '' });
  const mayWrite = useMay('editor');
  const filtered = sought !== '' || state !== null;
  const showNew = (shown: boolean) => setQuery(shown ? { new: '' } : {});

  return (
    <div className="page">
      <PageHeader title="Journeys" about="Who gets which mail, when and why."
        actions={mayWrite && <Button leftSection={<IconPlus size={16} />} onClick={() => showNew(true)}>New journey</Button>} />
      <Group mb="sm" gap="xs">
        <TextInput aria-label="Search journeys" placeholder="Search" leftSection={<IconSearch size={16} />} value={search} onChange={(event) => setSearch(event.currentTarget.value)} w={280} />
        <Select aria-label="State" placeholder="Any state" clearable data={states} value={state} onChange={setState} w={160} />
      </Group>
      <Paper withBorder>
        {journeys.error ? <Failure error={journeys.error} onRetry={() => void journeys.refetch()} />
          : journeys.isPending ? <RowsLoading />
            : journeys.items.length > 0 ? <JourneyTable journeys={journeys.items} actions={(journey) => <JourneyMenu journey={journey} />} />
              : filtered ? <Empty title="No journey is like that">Try other words, or another state.</Empty>
                : <Empty title="No journeys yet" action={mayWrite && <Button onClick={() => showNew(true)}>New journey</Button>}>Begin with an empty one, or with one of the samples.</Empty>}
        <More query={journeys} />
      </Paper>
      {mayWrite && <NewJourneyDialog opened={query.has('new')} onClose={() => showNew(false)} />}
    </div>
  );
}
