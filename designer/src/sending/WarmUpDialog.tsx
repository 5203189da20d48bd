import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import { fieldErrors } from '../api/problem';
import { toast, toastError } from '../ui/toast';
import { sendingKey } from './sending';
import type { WarmUpState } from './WarmUp';

export function WarmUpDialog({ domain, warmUp, onClose }: { domain: string; warmUp: WarmUpState | null; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm<Record<'first_volume' | 'target_volume' | 'days', number | string>>({
    initialValues: { first_volume: warmUp?.first_volume ?? 50, target_volume: warmUp?.target_volume ?? 10_000, days: warmUp?.days ?? 28 },
  });
  const begin = useMutation({
    mutationFn: (values: typeof form.values) => call('PUT', `/sending/warm-ups/${encodeURIComponent(domain)}`, {
      body: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === '' ? null : Number(value)])),
    }),
    meta: { quiet: true },
    onSuccess: async () => {
      toast('The warm-up has begun.');
      await queries.invalidateQueries({ queryKey: sendingKey });
      onClose();
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(errors);
      if (!Object.keys(errors).some((name) => name in form.values)) toastError(error);
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Warm up ${domain}`}>
      <form onSubmit={form.onSubmit((values) => begin.mutate(values))}>
        <Stack>
          <Text size="sm">Marketing mail begins with a few a day and grows in equal proportions. What is over the day’s volume waits for the next day.</Text>
          {warmUp && <Text size="sm">The schedule that runs now is replaced, and begins again with its first day.</Text>}
          <NumberInput label="Mails on the first day" required min={1} allowDecimal={false} thousandSeparator="," data-autofocus {...form.getInputProps('first_volume')} />
          <NumberInput label="Mails on the last day" description="About as many as you will send on a busy day." required min={1} allowDecimal={false} thousandSeparator="," {...form.getInputProps('target_volume')} />
          <NumberInput label="Days" description="2 to 90; providers advise 14 to 28." required min={2} max={90} allowDecimal={false} {...form.getInputProps('days')} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={begin.isPending}>Begin it today</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
