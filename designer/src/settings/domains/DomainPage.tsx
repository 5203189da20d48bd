import { Alert, Anchor, Button, Code, CopyButton, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from 'react-router';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { Moment } from '../../ui/Moment';
import { Failure, RowsLoading } from '../../ui/states';
import { toast } from '../../ui/toast';
import { checkNames, domainsKey } from './domains';
import { DomainSettings } from './DomainSettings';
import { StateBadge } from './StateBadge';

export function DomainPage() {
  const { domain: name = '' } = useParams();
  const domain = useQuery({ queryKey: [...domainsKey, name], queryFn: () => data(api.GET('/api/v1/domains/{domain}', { params: { path: { domain: name } } })) });
  if (domain.error) return <Failure error={domain.error} onRetry={() => void domain.refetch()} />;
  if (domain.isPending || !domain.data) return <RowsLoading rows={5} />;
  return <DomainView domain={domain.data} />;
}

function DomainView({ domain }: { domain: Schemas['SendingDomain'] }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const path = `/domains/${encodeURIComponent(domain.domain)}`;
  const check = useMutation({
    mutationFn: () => call<Schemas['SendingDomain']>('POST', `${path}/check`),
    onSuccess: async ({ state }) => {
      toast(state === 'pass' ? 'Checked: all is well.' : 'Checked. What was found stands below.');
      await queries.invalidateQueries({ queryKey: domainsKey });
    },
  });
  const remove = useMutation({
    mutationFn: () => call('DELETE', path),
    onSuccess: async () => {
      toast('The domain is forgotten.');
      await navigate('/settings/domains');
      // The list alone: this page may still be there, and what it shows is gone.
      await queries.invalidateQueries({ queryKey: domainsKey, exact: true });
    },
  });
  const confirm = () => modals.openConfirmModal({
    title: `Forget ${domain.domain}?`,
    children: <Text size="sm">Its checks and its signing keys are deleted: mail from it leaves unsigned by us from then on. Nothing changes in DNS.</Text>,
    labels: { confirm: 'Forget it', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(),
  });
  return (
    <Stack maw={900}>
      <Group justify="space-between">
        <Stack gap={2}>
          <Anchor component={Link} to="/settings/domains" size="sm">All domains</Anchor>
          <Group gap="sm"><Title order={2}>{domain.domain}</Title><StateBadge state={domain.state} /></Group>
          <Text size="sm" className="faint">{domain.checked_at ? <>Checked <Moment at={domain.checked_at} /></> : 'Not checked since it was set up.'}</Text>
        </Stack>
        <Group gap="xs">
          <Button variant="subtle" color="red" onClick={confirm}>Forget</Button>
          <Button onClick={() => check.mutate()} loading={check.isPending}>Check now</Button>
        </Group>
      </Group>
      {domain.next_dkim && (
        <Alert color="blue" title="A new signing key waits for its record">
          <Stack gap="xs">
            <Text size="sm">Publish this record, then check: from then on your mail by SMTP is signed with it{domain.dkim?.ours ? '. Until then the key in use goes on signing' : ''}.</Text>
            <Records records={[domain.next_dkim.record]} label="Record of the new key" />
          </Stack>
        </Alert>
      )}
      {domain.checks.map((item) => <CheckCard key={item.name} check={item} />)}
      <DomainSettings domain={domain} />
    </Stack>
  );
}

function CheckCard({ check }: { check: Schemas['DomainCheck'] }) {
  const { title, about } = checkNames[check.name] ?? { title: check.name, about: '' };
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb="xs">
        <Group gap="sm" align="baseline"><Title order={3} size="h4">{title}</Title><Text size="sm" className="faint">{about}</Text></Group>
        <StateBadge state={check.state} />
      </Group>
      <Stack gap="xs">
        <Text size="sm">{check.meaning}</Text>
        {check.found.map((found) => <Code key={found} block style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-all' }}>{found}</Code>)}
        {check.fix && <Text size="sm"><b>What to do:</b> {check.fix}</Text>}
        {check.records.length > 0 && <Records records={check.records} label={`Records to publish for ${title}`} />}
      </Stack>
    </Paper>
  );
}

function Records({ records, label }: { records: Schemas['DnsAdvice'][]; label: string }) {
  return (
    <Table aria-label={label}>
      <Table.Thead><Table.Tr><Table.Th>Type</Table.Th><Table.Th w="32%">Name</Table.Th><Table.Th>Value</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {records.map(({ type, name, value }) => (
          <Table.Tr key={`${type} ${name} ${value}`}>
            <Table.Td>{type}</Table.Td>
            <Table.Td><Copied text={name} what={`the name ${name}`} /></Table.Td>
            <Table.Td><Copied text={value} what={`the value of ${name}`} /></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Copied({ text, what }: { text: string; what: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code style={{ wordBreak: 'break-all' }}>{text}</Code>
      <CopyButton value={text}>{({ copied, copy }) => <Button size="compact-xs" variant="default" flex="none" onClick={copy} aria-label={`Copy ${what}`}>{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
    </Group>
  );
}
