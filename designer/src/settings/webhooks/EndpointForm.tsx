import { Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { fieldErrors } from '../../api/problem';
import { Failure, RowsLoading } from '../../ui/states';
import { toastError } from '../../ui/toast';
import { allTypes, endpointsKey, factTypesQuery, pathOf, type Endpoint } from './webhooks';

interface Props {
  /** What is changed; nothing of a new one. */
  endpoint?: Endpoint;
  onChanged?: () => void;
  onMade?: (made: Schemas['EndpointSecret']) => void;
  onCancel?: () => void;
}

/** The form of an endpoint, with the facts that the server knows. */
export function EndpointForm({ endpoint, onChanged, onMade, onCancel }: Props) {
  const queries = useQueryClient();
  const types = useQuery(factTypesQuery);
  const form = useForm({
    initialValues: {
      name: endpoint?.name ?? '',
      url: endpoint?.url ?? '',
      everything: endpoint ? endpoint.types.includes(allTypes) : true,
      types: endpoint?.types.filter((type) => type !== allTypes) ?? [],
      enabled: endpoint?.enabled ?? true,
      concurrency: (endpoint?.concurrency ?? 4) as number | string,
      per_second: (endpoint?.per_second ?? '') as number | string,
    },
    validate: { types: (chosen, { everything }) => (!everything && chosen.length === 0 ? 'Choose at least one, or everything.' : null) },
  });
  const save = useMutation({
    mutationFn: async ({ name, url, everything, types: chosen, enabled, concurrency, per_second }: typeof form.values) => {
      const body = { ...(name.trim() !== '' && { name }), url, types: everything ? [allTypes] : chosen, enabled, concurrency: Number(concurrency), per_second: Number(per_second) };
      if (endpoint) await call('PUT', pathOf(endpoint), { body });
      else return call<Schemas['EndpointSecret']>('POST', '/webhook-endpoints', { body });
    },
    meta: { quiet: true },
    onSuccess: async (made, values) => {
      form.resetDirty(values);
      await queries.invalidateQueries({ queryKey: endpointsKey });
      if (made) onMade?.(made);
      else onChanged?.();
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(errors);
      if (Object.keys(errors).length === 0) toastError(error);
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <TextInput label="Address" description="Where to. Use https: what is told names contacts." placeholder="https://shop.example/mailflow" required data-autofocus {...form.getInputProps('url')} />
        <TextInput label="Name" description="What people call it here." placeholder="The address’s host" maxLength={100} {...form.getInputProps('name')} />
        <Checkbox label="Tell it everything" description="Also kinds of facts that come with later versions." {...form.getInputProps('everything', { type: 'checkbox' })} />
        {!form.values.everything && (types.error ? <Failure error={types.error} onRetry={() => void types.refetch()} /> : types.isPending ? <RowsLoading rows={4} /> : (
          <Checkbox.Group label="What it is told" {...form.getInputProps('types')}>
            <Stack gap={8} mt={6}>
              {types.data.items.map(({ name, summary }) => <Checkbox key={name} value={name} label={<><Text span size="sm" ff="monospace">{name}</Text><Text size="xs" className="faint">{summary}</Text></>} />)}
            </Stack>
          </Checkbox.Group>
        ))}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <NumberInput label="Calls at a time" description="1 to 20." min={1} max={20} allowDecimal={false} {...form.getInputProps('concurrency')} />
          <NumberInput label="Most calls a second" description="Empty: as many as it takes." min={0} max={1000} {...form.getInputProps('per_second')} />
        </SimpleGrid>
        <Switch label="Enabled" description="While it is not, what was on its way waits, and what happens is not told to it." {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <Group justify={endpoint ? 'flex-start' : 'flex-end'}>
          {onCancel && <Button variant="default" onClick={onCancel}>Cancel</Button>}
          <Button type="submit" disabled={endpoint !== undefined && !form.isDirty()} loading={save.isPending}>{endpoint ? 'Save' : 'Add it'}</Button>
        </Group>
      </Stack>
    </form>
  );
}
