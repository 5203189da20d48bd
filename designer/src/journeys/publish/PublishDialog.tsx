import { Alert, Button, Group, List, Modal, Radio, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { messageOf, Problem } from '../../api/problem';
import { count } from '../../ui/numbers';
import { Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { useJourney } from '../journeys';
import { Changes } from '../versions/Changes';

type Finding = Schemas['Finding'];
type Waiting = Schemas['WaitingAtActivity'];
type Fate = 'stay' | 'move' | 'exit';

const fates: { value: Fate; label: string; text: string }[] = [
  { value: 'stay', label: 'They stay on their version', text: 'They go on as the journey was when they entered. New contacts get the new version.' },
  { value: 'move', label: 'They move to the new version', text: 'They go on from the same step of the new version. Who waits at a step that was removed stays.' },
  { value: 'exit', label: 'They leave the journey', text: 'They get nothing more from it. Mail that is queued for them is called off.' },
];

/** What a publish would change, whom it meets, and what becomes of them; then the publish itself. */
export function PublishDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const queries = useQueryClient();
  const [waiting, setWaiting] = useState<Fate>('stay');
  const preview = useQuery({
    queryKey: ['journeys', 'publish-preview', id],
    queryFn: () => data(api.GET('/api/v1/journeys/{definitionId}/publish-preview', { params: { path: { definitionId: id } } })),
    staleTime: 0,
  });
  const publish = useMutation({
    mutationFn: () => call<{ version: number }>('POST', `/journeys/${encodeURIComponent(id)}/publish`, { body: { waiting } }),
    meta: { quiet: true },
    onSuccess: async ({ version }) => {
      toast(`Version ${version} is published.`);
      onClose();
      await queries.invalidateQueries({ queryKey: ['journeys'] });
    },
  });
  const { data: journey } = useJourney(id);
  const nothingNew = journey?.state === 'published' && preview.data?.changes.length === 0;
  const isFirst = journey?.state === 'draft' && preview.data?.changes.length === 0;
  const errors = preview.data?.findings.filter((finding) => finding.severity === 'error') ?? [];
  return (
    <Modal opened onClose={onClose} title="Publish the journey" size="lg">
      {preview.isPending ? <RowsLoading rows={4} /> : preview.error ? <Failure error={preview.error} onRetry={() => void preview.refetch()} /> : (
        <Stack>
          <Findings findings={preview.data.findings} />
          <section>
            <Text fw={600} size="sm" mb={4}>What changes</Text>
            {nothingNew ? <Text size="sm" className="faint">Nothing: what runs is what is drawn.</Text>
              : isFirst ? <Text size="sm">Nothing runs yet. What is drawn begins to run as version {journey.version}.</Text>
              : <Changes changes={preview.data.changes} />}
          </section>
          {preview.data.total_waiting > 0 && !nothingNew && (
            <section>
              <Text fw={600} size="sm" mb={4}>Contacts in it now: {count(preview.data.total_waiting)}</Text>
              <WaitingTable waiting={preview.data.waiting} />
              <Radio.Group mt="sm" label="What becomes of them?" value={waiting} onChange={(value) => setWaiting(value)}>
                <Stack gap="xs" mt={6}>
                  {fates.map(({ value, label, text }) => <Radio key={value} value={value} label={label} description={text} />)}
                </Stack>
              </Radio.Group>
            </section>
          )}
          {publish.error && <Alert color="red" role="alert" title="It was not published">{refusal(publish.error)}</Alert>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button disabled={errors.length > 0 || nothingNew} loading={publish.isPending} onClick={() => publish.mutate()}>Publish</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null;
  const failing = findings.some((finding) => finding.severity === 'error');
  return (
    <Alert color={failing ? 'red' : 'yellow'} icon={<IconAlertTriangle size={18} />} title={failing ? 'It cannot run yet' : 'Worth a look'}>
      <List size="sm" spacing={4}>
        {findings.map((finding, index) => <List.Item key={index}>{finding.message}</List.Item>)}
      </List>
    </Alert>
  );
}

function WaitingTable({ waiting }: { waiting: Waiting[] }) {
  const words = { unchanged: 'The same in the new version', changed: 'Changed in the new version', removed: 'Not in the new version' };
  return (
    <Table>
      <Table.Thead><Table.Tr><Table.Th>Step</Table.Th><Table.Th className="numbers">Waiting</Table.Th><Table.Th>This step is</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {waiting.map((step) => (
          <Table.Tr key={step.activity_id}>
            <Table.Td>{step.activity_name ?? step.activity_id}</Table.Td>
            <Table.Td className="numbers">{count(step.count)}</Table.Td>
            <Table.Td><Text size="sm" c={step.change === 'removed' ? 'red' : undefined}>{words[step.change]}</Text></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function refusal(error: unknown) {
  const findings = error instanceof Problem ? (error.body.findings as Finding[] | undefined) : undefined;
  return findings?.length ? <List size="sm">{findings.map((finding, index) => <List.Item key={index}>{finding.message}</List.Item>)}</List> : messageOf(error);
}
