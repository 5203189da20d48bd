import '@xyflow/react/dist/style.css';
import { Group, Text, useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Background, Controls, Panel, ReactFlow } from '@xyflow/react';
import { useMemo, useState } from 'react';
import { useParams } from 'react-router';
import { api, data, type Schemas } from '../../api/client';
import { count } from '../../ui/numbers';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { useJourney } from '../journeys';
import { useDefinition } from '../useDefinition';
import { graphOf } from './graph';
import { StepCard } from './StepCard';
import { StepContacts } from './StepContacts';
import classes from './live.module.css';

const nodeTypes = { step: StepCard };
const beat = 3_000;

/** The journey as drawn, with where its contacts are, kept current. */
export function LivePage() {
  const { id = '' } = useParams();
  const scheme = useComputedColorScheme();
  const { data: journey } = useJourney(id);
  const definition = useDefinition(id);
  const stats = useQuery({
    queryKey: ['journeys', 'stats', id],
    queryFn: () => data(api.GET('/api/v1/journeys/{definitionId}/stats', { params: { path: { definitionId: id } } })),
    refetchInterval: beat,
  });
  const [chosen, setChosen] = useState<string | null>(null);
  const graph = useMemo(() => (definition.data ? graphOf(definition.data, stats.data?.activities ?? []) : null), [definition.data, stats.data]);

  if (definition.error) return <Failure error={definition.error} onRetry={() => void definition.refetch()} />;
  if (!graph) return <RowsLoading />;
  if (graph.nodes.length === 0) return <Empty title="Nothing is drawn yet">Begin under Design; the canvas shows here, with the contacts on it.</Empty>;
  const step = graph.nodes.find((node) => node.id === chosen);
  return (
    <div className={classes.canvas}>
      <ReactFlow nodes={graph.nodes} edges={graph.edges} nodeTypes={nodeTypes} fitView fitViewOptions={{ padding: 0.12, maxZoom: 1 }} minZoom={0.2} colorMode={scheme}
        nodesDraggable={false} nodesConnectable={false} edgesFocusable={false} deleteKeyCode={null} proOptions={{ hideAttribution: true }}
        onNodeClick={(_, node) => setChosen(node.id)} onSelectionChange={({ nodes }) => nodes[0] && setChosen(nodes[0].id)}>
        <Background gap={22} />
        <Controls showInteractive={false} position="bottom-right" />
        <Panel position="top-left"><Totals stats={stats.data} draft={journey?.state === 'draft'} /></Panel>
      </ReactFlow>
      <StepContacts journey={id} step={step ? { id: step.id, label: step.data.label } : null} onClose={() => setChosen(null)} />
    </div>
  );
}

function Totals({ stats, draft }: { stats: Schemas['JourneyStats'] | undefined; draft: boolean }) {
  if (draft) return <div className={classes.totals}><Text size="sm">This is a draft. Publish it, and its contacts show here.</Text></div>;
  if (!stats) return null;
  const totals = [['Entered', stats.entered], ['In it now', stats.waiting], ['Completed', stats.completed], ['Left early', stats.exited], ['Failed', stats.faulted]] as const;
  return (
    <div className={classes.totals} aria-label="Totals">
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
