import '@xyflow/react/dist/style.css';
import { useComputedColorScheme } from '@mantine/core';
import { Background, Controls, MiniMap, Panel, ReactFlow, type Edge, type ReactFlowInstance } from '@xyflow/react';
import { useRef, type KeyboardEvent, type ReactNode } from 'react';
import { lookOf } from '../activityLook';
import { card, type StepNode } from './graph';
import classes from './live.module.css';
import { StepCard } from './StepCard';

const nodeTypes = { step: StepCard };
const whole = { padding: 0.12, maxZoom: 1 };
const margin = { top: 90, side: 40 };
/** Below this, a card's words cannot be read. */
const legible = 0.8;

interface Props {
  nodes: StepNode[];
  edges: Edge[];
  chosen: string | null;
  onChoose: (id: string) => void;
  children: ReactNode;
}

/** The journey as drawn. It opens at a size that can be read: whole where it fits, else from its beginning on. */
export function Canvas({ nodes, edges, chosen, onChoose, children }: Props) {
  const scheme = useComputedColorScheme();
  const host = useRef<HTMLDivElement>(null);
  const open = (flow: ReactFlowInstance<StepNode>) => {
    const { width, height } = host.current!.getBoundingClientRect();
    const bounds = flow.getNodesBounds(nodes);
    const zoom = Math.min(1, (width - 2 * margin.side) / bounds.width, (height - margin.top - margin.side) / bounds.height);
    const start = nodes[0]!.position;
    void flow.setViewport(zoom >= legible
      ? { zoom, x: (width - bounds.width * zoom) / 2 - bounds.x * zoom, y: (height + margin.top - margin.side - bounds.height * zoom) / 2 - bounds.y * zoom }
      : { zoom: legible, x: margin.side - start.x * legible, y: (height - card.height * legible) / 2 - start.y * legible });
  };
  const press = (event: KeyboardEvent) => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset.id;
    if (!id || (event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    onChoose(id);
  };
  return (
    <div ref={host} className={classes.canvas} onKeyDown={press}>
      <ReactFlow nodes={nodes.map<StepNode>((node) => ({ ...node, selected: node.id === chosen }))} edges={edges} nodeTypes={nodeTypes} onInit={open} minZoom={0.2} colorMode={scheme}
        nodesDraggable={false} nodesConnectable={false} edgesFocusable={false} deleteKeyCode={null} proOptions={{ hideAttribution: true }}
        ariaLabelConfig={{ 'node.a11yDescription.default': 'Press Enter to see who is at this step.' }} onNodeClick={(_, node) => onChoose(node.id)}>
        <Background gap={22} />
        <Controls showInteractive={false} position="bottom-right" fitViewOptions={whole} />
        {nodes.length > 6 && <MiniMap className={classes.map} position="bottom-left" pannable zoomable ariaLabel="The whole journey, small" nodeColor={(node) => lookOf((node as StepNode).data.type).color} nodeBorderRadius={12} />}
        <Panel position="top-left">{children}</Panel>
      </ReactFlow>
    </div>
  );
}
