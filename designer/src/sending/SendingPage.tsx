import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMay } from '../session/session';
import { PageHeader } from '../ui/PageHeader';
import { Failure, RowsLoading } from '../ui/states';
import { DomainCard } from './DomainCard';
import { MailboxLimits } from './MailboxLimits';
import { Policy } from './Policy';
import { RoutesCard } from './RoutesCard';
import { SandboxOnly } from './SandboxOnly';
import { sendingQuery, type SendingState } from './sending';
import { SendingTrouble } from './SendingTrouble';
import { Tracking } from './Tracking';
import { Waiting } from './Waiting';

export function SendingPage() {
  const sending = useQuery(sendingQuery);
  return (
    <div className="page">
      <PageHeader title="Sending" about="How your mail leaves at this moment, and what holds it back." />
      {sending.error ? <Failure error={sending.error} onRetry={() => void sending.refetch()} /> : sending.isPending ? <RowsLoading /> : <SendingView state={sending.data} />}
    </div>
  );
}

function SendingView({ state }: { state: SendingState }) {
  const isAdmin = useMay('admin');
  return (
    <Stack>
      <SendingTrouble state={state} />
      <Waiting waiting={state.waiting} />
      {state.domain === null && state.routes.length > 0 && <SandboxOnly isAdmin={isAdmin} />}
      {state.domain && <DomainCard domain={state.domain} isAdmin={isAdmin} />}
      <RoutesCard state={state} />
      <Policy isAdmin={isAdmin} />
      <MailboxLimits isAdmin={isAdmin} />
      <Tracking isAdmin={isAdmin} />
    </Stack>
  );
}
