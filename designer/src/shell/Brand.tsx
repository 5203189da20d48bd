import { Group, Text } from '@mantine/core';

export function Brand() {
  return (
    <Group gap={10}>
      <img src="/favicon.svg" width={26} height={26} alt="" />
      <Text fw={700} size="lg" style={{ letterSpacing: '-0.01em' }}>MailFlow</Text>
    </Group>
  );
}
