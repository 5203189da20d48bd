import { Alert, Anchor, Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { Moment } from '../../ui/Moment';
import { Empty, Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { Deliveries } from './Deliveries';
import { EndpointForm } from './EndpointForm';
import { EndpointState } from './EndpointState';
import { SecretOnce } from './SecretOnce';
import { deletionKey, endpointsKey, endpointsQuery, outcomeOf, pathOf, type Attempt, type Endpoint } from './webhooks';

export function EndpointPage() {
  const { id } = useParams();
  const endpoints = useQuery({ ...endpointsQuery, refetchInterval: 10_000 }); // it may be disabled while one looks
  if (endpoints.error) return <Failure error={endpoints.error} onRetry={() => void endpoints.refetch()} />;
  if (!endpoints.data) return <RowsLoading rows={5} />;
  const endpoint = endpoints.data.items.find((each) => each.id === id);
  return endpoint ? <EndpointView key={endpoint.id} endpoint={endpoint} /> : <Empty title="There is no such webhook">See the list of <Link to="/settings/webhooks">webhooks</Link>.</Empty>;
}

function EndpointView({ endpoint }: { endpoint: Endpoint }) {
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <Stack gap={2}>
          <Anchor component={Link} to="/settings/webhooks" size="sm">All webhooks</Anchor>
          <Group gap="sm"><Title order={2}>{endpoint.name}</Title><EndpointState endpoint={endpoint} /></Group>
          <Text size="sm" className="faint" style={{ overflowWrap: 'anywhere' }}>{endpoint.url}</Text>
        </Stack>
        <Actions endpoint={endpoint} />
      </Group>
      <Deliveries endpoint={endpoint} />
      <Paper withBorder p="md" maw={720}>
        <Title order={3} mb="sm">The endpoint</Title>
        <EndpointForm key={endpoint.updated_at} endpoint={endpoint} onChanged={() => toast('Saved. It holds from now on.')} />
      </Paper>
    </Stack>
  );
}

function Actions({ endpoint }: { endpoint: Endpoint }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [secret, setSecret] = useState<string>();
  const test = useMutation({ mutationFn: () => call<Attempt>('POST', pathOf(endpoint, '/test')) });
  const rotate = useMutation({
    mutationFn: () => call<Schemas['EndpointSecret']>('POST', pathOf(endpoint, '/rotate-secret')),
    onSuccess: async (rotated) => {
      setSecret(rotated.secret);
      await queries.invalidateQueries({ queryKey: endpointsKey });
    },
  });
  const remove = useMutation({
    mutationKey: deletionKey(endpoint),
    mutationFn: () => call('DELETE', pathOf(endpoint)),
    onSuccess: async () => {
      toast('The webhook is deleted.');
      await navigate('/settings/webhooks');
      await queries.invalidateQueries({ queryKey: endpointsKey });
    },
  });
  const confirmRotation = () => modals.openConfirmModal({
    title: 'Give it a new secret?',
    children: <Text size="sm">The old one signs too for a day, so that the receiver can change over without missing anything.</Text>,
    labels: { confirm: 'Make a new secret', cancel: 'Cancel' },
    onConfirm: () => rotate.mutate(),
  });
  const confirmRemoval = () => modals.openConfirmModal({
    title: `Delete ${endpoint.name}?`,
    children: <Text size="sm">What was on its way to it is told no more, and its log is gone.</Text>,
    labels: { confirm: 'Delete it', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(),
  });
  return (
    <Stack gap="xs" align="flex-end">
      <Group gap="xs">
        <Button variant="default" onClick={() => test.mutate()} loading={test.isPending}>Send a test</Button>
        <Button variant="default" onClick={confirmRotation} loading={rotate.isPending}>New secret</Button>
        <Button variant="subtle" color="red" onClick={confirmRemoval} loading={remove.isPending}>Delete</Button>
      </Group>
      {endpoint.previous_secret_until && <Text size="xs" className="faint">The old secret signs too, until <Moment at={endpoint.previous_secret_until} />.</Text>}
      {test.data && (
        <Alert color={isTaken(test.data) ? 'green' : 'red'} title={isTaken(test.data) ? 'The test was taken' : 'The test was not taken'} role="status" maw={420} withCloseButton onClose={test.reset} closeButtonLabel="Dismiss">
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{outcomeOf(test.data)} ({test.data.latency_ms} ms)</Text>
        </Alert>
      )}
      {secret && <Modal opened onClose={() => setSecret(undefined)} title="The new secret"><SecretOnce secret={secret} onClose={() => setSecret(undefined)} /></Modal>}
    </Stack>
  );
}

const isTaken = ({ status }: Attempt) => status !== null && status >= 200 && status < 300;
