import { Alert, Button, Code, CopyButton, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { webhookHelp } from './connections';

/** What the provider must be told to call, and where. */
export function Webhook({ url, type }: { url: string; type: string }) {
  return (
    <Paper withBorder p="md" maw={720}>
      <Stack gap="xs">
        <Title order={3}>Webhook</Title>
        <Text size="sm">By this address the provider reports what became of your mail: bounces, complaints, unsubscribes. Without it, addresses that bounce are mailed again.</Text>
        <Group gap="xs" align="flex-start">
          <Code style={{ wordBreak: 'break-all' }}>{url}</Code>
          <CopyButton value={url}>{({ copied, copy }) => <Button size="compact-xs" variant="default" onClick={copy} aria-label="Copy the webhook’s address">{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
        </Group>
        <Text size="sm" className="faint">{webhookHelp[type] ?? 'Tell the provider to call it for every event.'}</Text>
        {!url.startsWith('https:') && <Alert color="yellow">A provider does not call an address without https: have the operator of this server set its public one (<Code>MailFlow__Delivery__PublicBaseUrl</Code>).</Alert>}
      </Stack>
    </Paper>
  );
}
