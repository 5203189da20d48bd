import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { pathOf, type JourneyItem } from '../journeys';

export function DuplicateDialog({ journey, onClose }: { journey: JourneyItem; onClose: () => void }) {
  const [name, setName] = useState(`Copy of ${journey.name}`);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const duplicate = useMutation({
    mutationFn: () => call<Schemas['CopiedJourney']>('POST', `/journeys/${encodeURIComponent(journey.definition_id)}/duplicate`, { body: { name: name.trim() } }),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ['journeys', 'list'] });
      await navigate(`${pathOf(made.definition_id)}/design`);
    },
  });
  return (
    <Modal opened onClose={onClose} title="Duplicate the journey">
      <form onSubmit={(event) => { event.preventDefault(); duplicate.mutate(); }}>
        <Stack>
          <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>Cancel</Button>
            <Button type="submit" disabled={!name.trim()} loading={duplicate.isPending}>Duplicate</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
