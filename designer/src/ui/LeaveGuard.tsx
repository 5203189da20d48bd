import { Button, Group, Modal, Text } from '@mantine/core';
import { useCallback } from 'react';
import { useBeforeUnload, useBlocker } from 'react-router';

/** The state of a navigation that is not asked about: what was edited is gone anyway. */
export const withoutAsking = { withoutAsking: true };

/** Asks before a page is left whose changes are not saved. */
export function LeaveGuard({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => dirty && currentLocation.pathname !== nextLocation.pathname && !(nextLocation.state as Partial<typeof withoutAsking> | null)?.withoutAsking);
  useBeforeUnload(useCallback((event) => { if (dirty) event.preventDefault(); }, [dirty]));
  const stay = () => blocker.reset?.();
  return (
    <Modal opened={blocker.state === 'blocked'} onClose={stay} title="Leave without saving?">
      <Text size="sm">What you changed here is not saved, and would be lost.</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={stay}>Stay</Button>
        <Button color="red" onClick={() => blocker.proceed?.()}>Leave</Button>
      </Group>
    </Modal>
  );
}
