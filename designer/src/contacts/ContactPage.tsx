import { Alert, Anchor, Breadcrumbs, Grid, Paper, Tabs, Text } from '@mantine/core';
import { IconMailOff } from '@tabler/icons-react';
import { Link, useParams } from 'react-router';
import { useMay } from '../session/session';
import { Instant } from '../ui/Moment';
import { PageHeader } from '../ui/PageHeader';
import { Failure, Loading } from '../ui/states';
import { Consents } from './Consents';
import { nameOf, useContact } from './contacts';
import { Events } from './Events';
import { Messages } from './Messages';
import { PersonalData } from './PersonalData';
import { Profile } from './Profile';
import { Trace } from './Trace';
import { Trips } from './Trips';

/** What a contact did itself: its detail is the evidence (which link, from where, with what program), and stands with the suppressions. */
const byLink = new Set(['paused', 'unsubscribed']);

export function ContactPage() {
  const { userId = '' } = useParams();
  const isAdmin = useMay('admin');
  const { data: contact, isPending, error, refetch } = useContact(userId);
  if (isPending) return <Loading />;
  if (error) return <div className="page"><Failure error={error} onRetry={() => void refetch()} /></div>;
  return (
    <div className="page">
      <Breadcrumbs fz="sm" mb={4}>
        <Anchor component={Link} to="/contacts" size="sm">Contacts</Anchor>
        <Text size="sm" className="faint">{contact.user_id}</Text>
      </Breadcrumbs>
      <PageHeader title={nameOf(contact) || contact.email || contact.user_id} about={contact.erased_at ? <>This contact was erased on <Instant at={contact.erased_at} />: what told who it was is gone.</> : contact.email ?? 'No e-mail address is known.'} actions={isAdmin && !contact.erased_at && <PersonalData userId={userId} />} />
      {contact.suppressions.map((suppression) => (
        <Alert key={`${suppression.scope}/${suppression.reason}`} color="red" icon={<IconMailOff size={18} />} mb="md" title={suppression.scope === 'marketing' ? 'Gets no marketing mail' : 'Gets no mail'}>
          <Text size="sm" className="sentence">{suppression.reason.replaceAll('_', ' ')}{suppression.expires_at && <>, until <Instant at={suppression.expires_at} /></>}{suppression.detail && !byLink.has(suppression.reason) && `: ${suppression.detail}`}</Text>
        </Alert>
      ))}
      <Grid>
        <Grid.Col span={{ base: 12, md: 4 }}><Profile contact={contact} /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Paper withBorder>
            <Tabs defaultValue="trace" keepMounted={false}>
              <Tabs.List px="xs">
                <Tabs.Tab value="trace">What happened and why</Tabs.Tab>
                <Tabs.Tab value="trips">Journeys</Tabs.Tab>
                <Tabs.Tab value="messages">E-mails</Tabs.Tab>
                <Tabs.Tab value="events">Events</Tabs.Tab>
                <Tabs.Tab value="consents">Consents</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="trace"><Trace userId={userId} /></Tabs.Panel>
              <Tabs.Panel value="trips"><Trips userId={userId} /></Tabs.Panel>
              <Tabs.Panel value="messages"><Messages userId={userId} /></Tabs.Panel>
              <Tabs.Panel value="events"><Events userId={userId} /></Tabs.Panel>
              <Tabs.Panel value="consents"><Consents userId={userId} /></Tabs.Panel>
            </Tabs>
          </Paper>
        </Grid.Col>
      </Grid>
    </div>
  );
}
