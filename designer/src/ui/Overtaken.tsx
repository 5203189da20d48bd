import { Alert, Button, Text } from '@mantine/core';
import { messageOf, Problem } from '../api/problem';

/** Says that somebody else saved meanwhile, and offers what is there now in place of what was edited. */
export function Overtaken({ error, onReload }: { error: unknown; onReload: () => void }) {
  if (!(error instanceof Problem) || error.status !== 409) return null;
  return (
    <Alert color="orange" role="alert" mb="sm" title="It was not saved">
      <Text size="sm" mb="xs">{messageOf(error)}</Text>
      <Button size="xs" variant="default" onClick={onReload}>Discard mine and load what is there now</Button>
    </Alert>
  );
}
