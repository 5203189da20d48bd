import { ActionIcon, Menu, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconCopy, IconDots, IconDownload, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useMay } from '../../session/session';
import { exportJourney, useDeleteJourney, useJourneyCommand } from '../commands';
import type { JourneyItem } from '../journeys';
import { DuplicateDialog } from './DuplicateDialog';

/** What can be done with a journey, from its row or its page. */
export function JourneyMenu({ journey }: { journey: JourneyItem }) {
  const command = useJourneyCommand();
  const deleting = useDeleteJourney();
  const navigate = useNavigate();
  const [duplicating, setDuplicating] = useState(false);
  const [mayWrite, mayPublish] = [useMay('editor'), useMay('publisher')];
  const id = journey.definition_id;

  const confirmStop = () => modals.openConfirmModal({
    title: 'Stop letting contacts in?',
    children: <Text size="sm">Nobody enters “{journey.name}” any more. The {journey.stats.waiting} contacts in it go on to the end.</Text>,
    labels: { confirm: 'Stop', cancel: 'Cancel' },
    onConfirm: () => command.mutate({ id, command: 'unpublish' }),
  });
  const confirmDelete = () => modals.openConfirmModal({
    title: `Delete “${journey.name}”?`,
    children: <Text size="sm">The journey and its versions are removed for good. A journey that contacts are in cannot be deleted.</Text>,
    labels: { confirm: 'Delete', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => deleting.mutate(id, { onSuccess: () => void navigate('/journeys') }),
  });

  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More for ${journey.name}`}><IconDots size={18} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {mayPublish && journey.state === 'published' && <Menu.Item leftSection={<IconPlayerPause size={16} />} onClick={() => command.mutate({ id, command: 'pause' })}>Pause</Menu.Item>}
          {mayPublish && journey.state === 'paused' && <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => command.mutate({ id, command: 'resume' })}>Resume</Menu.Item>}
          {mayPublish && (journey.state === 'published' || journey.state === 'paused') && <Menu.Item leftSection={<IconPlayerStop size={16} />} onClick={confirmStop}>Stop letting in</Menu.Item>}
          {mayWrite && <Menu.Item leftSection={<IconCopy size={16} />} onClick={() => setDuplicating(true)}>Duplicate</Menu.Item>}
          <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => void exportJourney(id)}>Export as JSON</Menu.Item>
          {mayWrite && <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={confirmDelete}>Delete</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
      {duplicating && <DuplicateDialog journey={journey} onClose={() => setDuplicating(false)} />}
    </>
  );
}
