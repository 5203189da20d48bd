import { Alert, Badge, Group, List, Paper, Tabs, Text, Timeline } from '@mantine/core';
import { messageOf, Problem } from '../../api/problem';
import { count } from '../../ui/numbers';
import { Empty, RowsLoading } from '../../ui/states';
import { lookOf } from '../activityLook';
import { Mails } from './Mails';
import { dayNumber, type Simulation } from './simulation';

const ends: Record<string, { label: string; color: string }> = {
  completed: { label: 'Came to the end', color: 'teal' },
  exited: { label: 'Left early', color: 'gray' },
  waiting: { label: 'Still waiting', color: 'orange' },
  faulted: { label: 'Failed', color: 'red' },
  cancelled: { label: 'Taken out', color: 'gray' },
  not_entered: { label: 'Was not let in', color: 'gray' },
};

const format = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

export function Result({ result, error, running }: { result: Simulation | undefined; error: unknown; running: boolean }) {
  if (running) return <Paper withBorder><RowsLoading rows={8} height={28} /></Paper>;
  if (error) return <Refusal error={error} />;
  if (!result) return <Paper withBorder><Empty title="See what a contact would get">Say who the contact is and what they do, then run the test. Months pass in a moment, and nobody is mailed.</Empty></Paper>;
  const end = ends[result.outcome] ?? { label: result.outcome, color: 'gray' };
  return (
    <Paper withBorder p="md">
      <Group gap="sm" mb="sm">
        <Badge variant="light" tt="none" size="lg" color={end.color}>{end.label}</Badge>
        <Text size="sm" className="faint">{days(result)} · {count(result.mails_total)} {result.mails_total === 1 ? 'mail' : 'mails'}</Text>
      </Group>
      <Tabs defaultValue="timeline" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="timeline">What happened</Tabs.Tab>
          <Tabs.Tab value="mails">Mails ({result.mails.length})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="timeline"><Story result={result} /></Tabs.Panel>
        <Tabs.Panel value="mails"><Mails mails={result.mails} startsAt={result.starts_at} /></Tabs.Panel>
      </Tabs>
    </Paper>
  );
}

function Story({ result }: { result: Simulation }) {
  return (
    <Timeline bulletSize={26} lineWidth={2} active={result.timeline.length}>
      {result.timeline.map((moment, index) => {
        const { icon: Icon, color } = lookOf(moment.activity_type ?? 'MailFlow.EventReceived');
        return (
          <Timeline.Item key={index} bullet={<Icon size={14} />} color={moment.event === 'Faulted' ? 'red' : color} title={<Text size="sm" fw={500} className="sentence">{moment.text}</Text>}>
            <Text size="xs" className="faint">{dayOf(moment.at, result.starts_at)} · {format.format(new Date(moment.at))}</Text>
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}

export function dayOf(at: string, start: string) {
  return `Day ${dayNumber(at, start)}`;
}

function days(result: Simulation) {
  const length = Math.round((Date.parse(result.ends_at) - Date.parse(result.starts_at)) / 86_400_000);
  return length === 1 ? '1 day' : `${count(length)} days`;
}

function Refusal({ error }: { error: unknown }) {
  const findings = error instanceof Problem ? (error.body.findings as { message: string }[] | undefined) : undefined;
  return (
    <Alert color="red" title="The test could not run" role="alert">
      {findings?.length ? <List size="sm">{findings.map((finding, index) => <List.Item key={index}>{finding.message}</List.Item>)}</List> : <Text size="sm">{messageOf(error)}</Text>}
    </Alert>
  );
}
