import { Group, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconHourglass, IconX } from '@tabler/icons-react';
import { Handle, Position, type NodeProps } from '@xyflow/react';
import type { CSSProperties } from 'react';
import { count } from '../../ui/numbers';
import { lookOf } from '../activityLook';
import type { StepNode } from './graph';
import classes from './live.module.css';

/** One step on the canvas with its numbers. */
export function StepCard({ data, selected }: NodeProps<StepNode>) {
  const { icon: Icon, color } = lookOf(data.type);
  const { stats } = data;
  return (
    <div className={classes.step} data-selected={selected || undefined} style={{ '--step-color': color } as CSSProperties}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Group gap={8} wrap="nowrap">
        <span className={classes.icon}><Icon size={17} /></span>
        <div style={{ minWidth: 0 }}>
          <Text size="sm" fw={600} lh={1.25} className="one-line" title={data.label}>{data.label}</Text>
          <Text size="xs" lh={1.25} className="one-line faint">{data.kind === data.label ? '' : data.kind}</Text>
        </div>
      </Group>
      <Group gap={12} mt={6}>
        <Figure icon={IconCheck} label="passed" value={stats.passed} />
        <Figure icon={IconHourglass} label="waiting here" value={stats.waiting} tone={stats.waiting > 0 ? 'waiting' : undefined} />
        {stats.failed > 0 && <Figure icon={IconX} label="failed" value={stats.failed} tone="failed" />}
      </Group>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

function Figure({ icon: Icon, label, value, tone }: { icon: typeof IconCheck; label: string; value: number; tone?: 'waiting' | 'failed' | undefined }) {
  return (
    <Tooltip label={`${count(value)} ${label}`}>
      <span className={classes.number} data-tone={tone}><Icon size={13} stroke={2.2} />{count(value)}<span className={classes.hidden}> {label}</span></span>
    </Tooltip>
  );
}
