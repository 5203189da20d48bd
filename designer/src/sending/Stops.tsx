import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useMay } from '../session/session';
import { Moment } from '../ui/Moment';
import { describeSubject, type SendingState } from './sending';
import { useResume } from './useResume';

/** What is stopped until somebody mends it. A subject is resumed as a whole. */
export function Stops({ stops }: { stops: SendingState['stops'] }) {
  const isAdmin = useMay('admin');
  const resume = useResume();
  return [...new Set(stops.map(({ subject }) => subject))].map((subject) => {
    const ofSubject = stops.filter((stop) => stop.subject === subject);
    const name = subject !== 'sender' ? describeSubject(subject) : ofSubject.length > 1 ? 'All mail' : 'Marketing mail';
    return (
      <Alert key={subject} color="red" icon={<IconAlertTriangle size={18} />} title={`${name} is stopped`}>
        <Group justify="space-between" align="flex-end">
          <Stack gap="xs" style={{ flex: '1 1 280px' }}>
            {[...new Set(ofSubject.map(({ reason }) => reason))].map((reason) => {
              const same = ofSubject.filter((stop) => stop.reason === reason);
              return (
                <div key={reason}>
                  <Text size="sm">{reason}</Text>
                  <Text size="xs" className="faint sentence">{same.map(({ stream }) => stream).join(' and ')} mail waits since <Moment at={same[0]?.at} />; nothing of it is lost.</Text>
                </div>
              );
            })}
          </Stack>
          {isAdmin && subject.startsWith('domain:') && <Text size="xs" className="faint" maw={220}>Resumed, the domain is judged by what comes after, and stops again if that is as bad.</Text>}
          {isAdmin && ofSubject.some(({ reason }) => reason.includes('Settings → Sender')) && <Anchor component={Link} to="/settings/sender" size="sm">Mend it: the stop ends by itself</Anchor>}
          {isAdmin && subject !== 'sender' && <Button size="xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate(subject)} aria-label={`Resume ${name}`}>Resume</Button>}
        </Group>
      </Alert>
    );
  });
}
