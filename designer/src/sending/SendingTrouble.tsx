import { Alert, List } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import type { SendingState } from './sending';
import { Stops } from './Stops';

/** What is wrong with sending at this moment; nothing when all is well. */
export function SendingTrouble({ state: { notes, stops } }: { state: SendingState }) {
  // What is stopped has a card of its own, with the same reason.
  const others = notes.filter((note) => !stops.some(({ reason }) => note.endsWith(reason)));
  return (
    <>
      {others.length > 0 && (
        <Alert color="yellow" icon={<IconInfoCircle size={18} />} title="What you should know">
          <List size="sm" spacing={4} listStyleType={others.length > 1 ? 'disc' : 'none'}>{others.map((note) => <List.Item key={note}>{note}</List.Item>)}</List>
        </Alert>
      )}
      {stops.length > 0 && <Stops stops={stops} />}
    </>
  );
}
