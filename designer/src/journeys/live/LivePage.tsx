import { Group, SegmentedControl, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useParams } from 'react-router';
import { api, data, type Schemas } from '../../api/client';
import { count } from '../../ui/numbers';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { useJourney } from '../journeys';
import { useDefinition } from '../useDefinition';
import { Canvas } from './Canvas';
import { graphOf } from './graph';
import classes from './live.module.css';
import { StepContacts } from './StepContacts';
import { StepList } from './StepList';

const beat = 3_000;

type View = 'canvas' | 'list';

/** The journey as drawn or as a list, with where its contacts are, kept current. */
export function LivePage() {
  const { id = '' } = useParams();
  const { data: journey } = useJourney(id);
  const definition = useDefinition(id);
  const stats = useQuery({
    queryKey: ['journeys', 'stats', id],
    queryFn: () => data(api.GET('/api/v1/journeys/{definitionId}/stats', { params: { path: { definitionId: id } } })),
    refetchInterval: beat,
  });
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const [view, setView] = useState<View | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const graph = useMemo(() => (definition.data ? graphOf(definition.data, stats.data?.activities ?? []) : null), [definition.data, stats.data]);

  if (definition.error) return <Failure error={definition.error} onRetry={() => void definition.refetch()} />;
  if (!graph) return <RowsLoading />;
  if (graph.nodes.length === 0) return <Empty title="Nothing is drawn yet">Begin under Design; the canvas shows here, with the contacts on it.</Empty>;
  const step = graph.nodes.find((node) => node.id === chosen);
  const shown = view ?? (isNarrow ? 'list' : 'canvas');
  const head = (
    <Group gap="sm" align="stretch">
      <Totals stats={stats.data} draft={journey?.state === 'draft'} />
      <SegmentedControl className={classes.views} size="xs" aria-label="Show as" value={shown} onChange={setView} data={[{ value: 'canvas', label: 'Canvas' }, { value: 'list', label: 'List' }]} />
    </Group>
  );
  return (
    <>
      {shown === 'canvas'
        ? <Canvas {...graph} chosen={chosen} onChoose={setChosen}>{head}</Canvas>
        : <div className={classes.list}>{head}<StepList nodes={graph.nodes} onChoose={setChosen} /></div>}
      <StepContacts journey={id} step={step ? { id: step.id, label: step.data.label } : null} onClose={() => setChosen(null)} />
    </>
  );
}

function Totals({ stats, draft }: { stats: Schemas['JourneyStats'] | undefined; draft: boolean }) {
  if (draft) return <div className={classes.totals}><Text size="sm">This is a draft. Publish it, and its contacts show here.</Text></div>;
  if (!stats) return null;
  const totals = [['Entered', stats.entered], ['In it now', stats.waiting], ['Completed', stats.completed], ['Left early', stats.exited], ['Failed', stats.faulted]] as const;
  return (
    <div className={classes.totals} role="group" aria-label="Totals">
      <Group gap="lg">
        {totals.map(([label, value]) => (
          <div key={label}>
            <Text size="xs" className="faint">{label}</Text>
            <Text fw={600} c={label === 'Failed' && value > 0 ? 'red' : undefined} style={{ fontVariantNumeric: 'tabular-nums' }}>{count(value)}</Text>
          </div>
        ))}
      </Group>
    </div>
  );
}
