import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { toast } from '../ui/toast';
import { describeSubject, sendingKey } from './sending';

/** Lets something that was stopped send again. */
export function useResume() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (subject: string) => call('POST', '/sending/resume', { body: { subject } }),
    onSuccess: async (_, subject) => {
      toast(`${describeSubject(subject)} is resumed.`);
      await queries.invalidateQueries({ queryKey: sendingKey });
    },
  });
}
