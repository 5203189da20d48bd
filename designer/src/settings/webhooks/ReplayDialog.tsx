import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { fieldErrors } from '../../api/problem';
import { count } from '../../ui/numbers';
import { toast, toastError } from '../../ui/toast';
import { deliveriesKey, pathOf, type Endpoint } from './webhooks';

/** Puts what happened in a period on its way again. */
export function ReplayDialog({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { from: '', to: '', all: false } });
  const replay = useMutation({
    mutationFn: ({ from, to, all }: typeof form.values) =>
      call<Schemas['Replayed']>('POST', pathOf(endpoint, '/replay'), { body: { from: new Date(from).toISOString(), ...(to && { to: new Date(to).toISOString() }), all } }),
    meta: { quiet: true },
    onSuccess: async ({ queued }) => {
      toast(queued === 0 ? 'There was nothing to replay.' : `${count(queued)} on their way.`);
      await queries.invalidateQueries({ queryKey: deliveriesKey(endpoint) });
      onClose();
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(errors);
      if (Object.keys(errors).length === 0) toastError(error);
    },
  });
  return (
    <Modal opened onClose={onClose} title="Replay a period">
      <form onSubmit={form.onSubmit((values) => replay.mutate(values))}>
        <Stack>
          <Text size="sm">What happened then and was not taken is told again, under the same ids; also what it was never told because it was switched off, as far as it is on record.</Text>
          <TextInput label="From" type="datetime-local" required {...form.getInputProps('from')} />
          <TextInput label="To" description="Empty: until now." type="datetime-local" {...form.getInputProps('to')} />
          <Checkbox label="Also what it took already" {...form.getInputProps('all', { type: 'checkbox' })} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={replay.isPending}>Replay</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
