import { Badge, Stack, Text } from '@mantine/core';
import { Moment } from '../../ui/Moment';
import type { Endpoint } from './webhooks';

/** Whether an endpoint is told anything, and if not, why. */
export function EndpointState({ endpoint }: { endpoint: Endpoint }) {
  if (endpoint.disabled_at) {
    return <Stack gap={4} align="flex-start"><Shown color="red" label="Disabled" /><Text size="xs" className="faint">By MailFlow, <Moment at={endpoint.disabled_at} />: {endpoint.disabled_reason}</Text></Stack>;
  }
  if (!endpoint.enabled) return <Shown color="gray" label="Switched off" />;
  if (endpoint.failing_since) return <Stack gap={4} align="flex-start"><Shown color="yellow" label="Fails" /><Text size="xs" className="faint">Has taken nothing since <Moment at={endpoint.failing_since} /></Text></Stack>;
  return <Shown color="green" label="Enabled" />;
}

function Shown({ color, label }: { color: string; label: string }) {
  return <Badge color={color} variant="light" tt="none">{label}</Badge>;
}
