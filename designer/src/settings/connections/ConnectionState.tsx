import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { connectionSubject, sendingQuery } from '../../sending/sending';
import { useResume } from '../../sending/useResume';
import { Moment } from '../../ui/Moment';
import type { Connection } from './connections';

/** Whether mail leaves by a connection at this moment, and if not, why. */
export function ConnectionState({ connection }: { connection: Connection }) {
  const sending = useQuery(sendingQuery);
  const resume = useResume();
  if (!connection.enabled) return <Shown color="gray" label="Switched off" />;
  if (!sending.data) return null;
  const subject = connectionSubject(connection.key);
  const stops = sending.data.stops.filter((stop) => stop.subject === subject);
  if (stops.length > 0) {
    return (
      <Stack gap={4} align="flex-start">
        <Group gap="xs"><Shown color="red" label="Stopped" /><Button size="compact-xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate(subject)}>Resume</Button></Group>
        {[...new Set(stops.map(({ reason }) => reason))].map((reason) => <Text key={reason} size="xs" className="faint">{reason}</Text>)}
      </Stack>
    );
  }
  const route = sending.data.routes.find(({ key }) => key === connection.key);
  if (!route) return <Shown color="yellow" label="Outside the account’s region" />;
  if (route.open_until) return <Stack gap={4} align="flex-start"><Shown color="yellow" label="Paused" /><Text size="xs" className="faint">It fails; tried again <Moment at={route.open_until} />.</Text></Stack>;
  return <Shown color="green" label="Sends" />;
}

function Shown({ color, label }: { color: string; label: string }) {
  return <Badge color={color} variant="light" tt="none">{label}</Badge>;
}
