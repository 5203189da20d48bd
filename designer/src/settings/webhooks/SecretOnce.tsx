import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';

/** A secret that the server tells this one time. */
export function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Stack>
      <Alert color="yellow">This is the only time the secret is shown. The receiver checks with it that a call is ours: copy it now.</Alert>
      <Code block>{secret}</Code>
      <Group justify="flex-end">
        <CopyButton value={secret}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}</CopyButton>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
