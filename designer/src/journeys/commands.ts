import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { toast } from '../ui/toast';

type Command = 'pause' | 'resume' | 'unpublish';

const done: Record<Command, string> = {
  pause: 'The journey is paused. Nobody in it is lost.',
  resume: 'The journey goes on.',
  unpublish: 'The journey lets nobody in any more. Who is in it goes on.',
};

/** Pause, resume and stop. */
export function useJourneyCommand() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, command }: { id: string; command: Command }) => call('POST', `/journeys/${encodeURIComponent(id)}/${command}`),
    onSuccess: async (_, { command }) => {
      toast(done[command]);
      await queries.invalidateQueries({ queryKey: ['journeys'] });
    },
  });
}

export function useDeleteJourney() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call('DELETE', `/journeys/${encodeURIComponent(id)}`),
    onSuccess: async () => {
      toast('The journey was deleted.');
      await queries.invalidateQueries({ queryKey: ['journeys', 'list'] });
    },
  });
}

/** Gives a journey's Elsa JSON as a file. */
export async function exportJourney(id: string) {
  const definition = await call('GET', `/journeys/${encodeURIComponent(id)}`);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(definition, null, 2)], { type: 'application/json' }));
  link.download = `${id}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}
