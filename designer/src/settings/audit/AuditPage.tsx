import { Autocomplete, Button, Group, Paper, Select, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data, type Schemas } from '../../api/client';
import { useList } from '../../api/useList';
import { useJourneys } from '../../journeys/journeys';
import { Instant } from '../../ui/Moment';
import { More } from '../../ui/More';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { actionOf, actions, show, wordsOf } from './actions';
import { Subject } from './Subject';

export type Entry = Omit<Schemas['AuditEntry'], 'detail'> & { detail: Record<string, unknown> };

const nothing = { actor: '', action: '', subject: '', from: '', to: '' };

/** Who changed what, and when: the newest first. */
export function AuditPage() {
  const [filter, setFilter] = useState(nothing);
  const [asked] = useDebouncedValue(filter, 300);
  const entries = useList<Entry>(['audit', asked], (cursor) => readEntries(asked, cursor));
  const { items: journeys } = useJourneys();
  const names = new Map(journeys.map((journey) => [journey.definition_id, journey.name]));
  const set = (change: Partial<typeof nothing>) => setFilter({ ...filter, ...change });
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(nothing);
  return (
    <>
      <Group gap="xs" mb="sm" align="flex-end">
        <Autocomplete label="Who" placeholder="Anybody" w={220} data={useActors()} value={filter.actor} onChange={(actor) => set({ actor })} />
        <Select label="What" placeholder="Anything" clearable searchable w={230} data={Object.entries(actions).map(([value, label]) => ({ value, label }))} value={filter.action || null} onChange={(action) => set({ action: action ?? '' })} />
        <TextInput label="Which" placeholder="Its key, id or address" w={190} value={filter.subject} onChange={(event) => set({ subject: event.currentTarget.value })} />
        <TextInput label="From" type="date" w={150} max={filter.to || undefined} value={filter.from} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput label="To" type="date" w={150} min={filter.from || undefined} value={filter.to} onChange={(event) => set({ to: event.currentTarget.value })} />
        {isFiltered && <Button variant="subtle" onClick={() => setFilter(nothing)}>Show all</Button>}
      </Group>
      <Paper withBorder>
        {entries.error ? <Failure error={entries.error} onRetry={() => void entries.refetch()} />
          : entries.isPending ? <RowsLoading />
            : entries.items.length > 0 ? <Entries entries={entries.items} journeys={names} />
              : isFiltered ? <Empty title="No change is like that">Try less, or another time.</Empty>
                : <Empty title="Nothing was changed yet">Whatever people and API keys change is recorded here, and never altered.</Empty>}
        <More query={entries} />
      </Paper>
    </>
  );
}

async function readEntries({ from, to, ...equal }: typeof nothing, cursor: string | undefined) {
  const query = { ...equal, from: from && startOf(from), to: to && startOf(to, 1), cursor: cursor ?? '' };
  const page = await data(api.GET('/api/v1/audit', { params: { query: { limit: 50, ...Object.fromEntries(Object.entries(query).filter(([, value]) => value)) } } }));
  return { ...page, items: page.items as Entry[] };
}

/** When a day begins where the reader is; `later` days on. */
function startOf(day: string, later = 0) {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Who can have made a change: the people, and the API keys. */
function useActors() {
  const { data: actors } = useQuery({
    queryKey: ['audit', 'actors'],
    queryFn: async () => {
      const query = { params: { query: { limit: 1000 } } };
      const [users, keys] = await Promise.all([data(api.GET('/api/v1/users', query)), data(api.GET('/api/v1/api-keys', query))]);
      return [...new Set([...users.items.map((user) => user.email), ...keys.items.map((key) => `${key.name} (${key.prefix}…)`)])];
    },
    placeholderData: keepPreviousData,
  });
  return actors ?? [];
}

function Entries({ entries, journeys }: { entries: Entry[]; journeys: Map<string, string> }) {
  return (
    <Table.ScrollContainer minWidth={820}>
      <Table verticalSpacing="sm">
        <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Who</Table.Th><Table.Th>What</Table.Th><Table.Th>Which</Table.Th><Table.Th>Details</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {entries.map((entry, index) => (
            <Table.Tr key={`${entry.at}/${index}`} style={{ verticalAlign: 'top' }}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}><Text size="sm" className="faint"><Instant at={entry.at} /></Text></Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }} maw={220}><Text size="sm">{entry.actor}</Text></Table.Td>
              <Table.Td><Text size="sm" fw={500}>{actionOf(entry.action)}</Text></Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }} maw={240}><Subject entry={entry} journeys={journeys} /></Table.Td>
              <Table.Td maw={320}><Details entry={entry} journeys={journeys} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** What else there is to say; ids and what stands beside it already are left out. */
function Details({ entry, journeys }: { entry: Entry; journeys: Map<string, string> }) {
  const told = Object.entries(entry.detail).filter(([name, value]) => name !== 'id' && value !== null && value !== '' && value !== entry.subject && !(name === 'user_id' && entry.action.startsWith('instance.')));
  if (told.length === 0) return <Text size="sm" className="faint">–</Text>;
  return told.map(([name, value]) => (
    <Text key={name} size="xs" lineClamp={3} style={{ overflowWrap: 'anywhere' }}><Text span inherit className="faint">{wordsOf(name)}: </Text>{name === 'journey' ? (journeys.get(String(value)) ?? show(value)) : show(value)}</Text>
  ));
}
