import { Button, Center, Group, Stack, Text, Title } from '@mantine/core';
import { isRouteErrorResponse, Link, useRouteError } from 'react-router';

/** A page that broke: the rest of the console goes on. */
export function ErrorPage() {
  const error = useRouteError();
  const missing = isRouteErrorResponse(error) && error.status === 404;
  return <Apology title={missing ? 'There is no such page' : 'This page has met an error'} text={missing ? 'It may have been moved, or the address is mistyped.' : error instanceof Error ? error.message : ''} />;
}

export function NotFoundPage() {
  return <Apology title="There is no such page" text="It may have been moved, or the address is mistyped." />;
}

function Apology({ title, text }: { title: string; text: string }) {
  return (
    <Center h="70vh" p="md">
      <Stack align="center" gap="xs">
        <Title order={1}>{title}</Title>
        <Text className="faint" maw={520} ta="center">{text}</Text>
        <Group mt="sm">
          <Button variant="default" onClick={() => window.location.reload()}>Reload</Button>
          <Button component={Link} to="/">Home</Button>
        </Group>
      </Stack>
    </Center>
  );
}
