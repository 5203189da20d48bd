import { Button, Group, NumberInput, Paper, SimpleGrid, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { fieldErrors } from '../../api/problem';
import { sendingKey, share, streams } from '../../sending/sending';
import { toast, toastError } from '../../ui/toast';
import { connectionsKey, type Connection, type ProviderKind } from './connections';
import { SettingField } from './SettingField';

export interface ConnectionValues {
  key: string;
  name: string;
  settings: Record<string, string>;
  /** Secrets that are to be forgotten. */
  removed: string[];
  enabled: boolean;
  marketing_weight: number | string;
  transactional_weight: number | string;
  per_second: number | string;
  per_day: number | string;
  region: string;
}

interface Props {
  kind: ProviderKind;
  /** The account's other connections, which it shares the mail with. */
  others: Connection[];
  /** What is changed; nothing of a new one. */
  connection?: Connection;
  onSaved: (connection: Connection) => void;
  onCancel: () => void;
}

/** The form of a connection, made from what the server says a kind of provider is set up with. */
export function ConnectionForm({ kind, others, connection, onSaved, onCancel }: Props) {
  const queries = useQueryClient();
  const form = useForm<ConnectionValues>({
    initialValues: {
      key: connection?.key ?? [`${kind.name}-main`, `${kind.name}-2`].find((key) => !others.some((other) => other.key === key)) ?? '',
      name: connection?.name ?? kind.display_name,
      settings: Object.fromEntries(kind.settings.map(({ name, choices, default: standard }) => [name, connection?.settings[name] ?? (choices ? standard ?? '' : '')])),
      removed: [],
      enabled: connection?.enabled ?? true,
      marketing_weight: connection?.marketing_weight ?? 100,
      transactional_weight: connection?.transactional_weight ?? 100,
      per_second: connection?.per_second ?? '',
      per_day: connection?.per_day ?? '',
      region: connection?.region ?? '',
    },
    validate: connection ? {} : { key: (key) => (others.some((other) => other.key === key) ? `There is a connection ‘${key}’ already.` : null) },
  });
  const save = useMutation({
    mutationFn: (values: ConnectionValues) => call<Schemas['ShownConnection']>('PUT', `/connections/${encodeURIComponent(values.key)}`, { body: draftOf(values, kind, connection) }),
    meta: { quiet: true },
    onSuccess: async ({ connection: saved }, values) => {
      toast(connection ? 'Saved. It holds from the next mail on.' : 'The connection is there.');
      const kept = { ...values, settings: withoutSecrets(values.settings, kind), removed: [], region: saved.region ?? '' };
      form.setValues(kept);
      form.resetDirty(kept);
      await Promise.all([connectionsKey, sendingKey].map((queryKey) => queries.invalidateQueries({ queryKey })));
      onSaved(saved);
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(errors);
      if (Object.keys(errors).length === 0) toastError(error);
    },
  });
  const weighed = others.filter(({ enabled }) => enabled);
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack maw={720}>
        <Paper withBorder p="md">
          <Stack>
            <Title order={3}>The connection</Title>
            <TextInput label="Name" description="What people call it here." required maxLength={100} {...form.getInputProps('name')} />
            {!connection && (
              <TextInput label="Key" description="Its name in the API and in what is kept of each mail; it never changes. Small letters, digits, - and _." required {...form.getInputProps('key')} />
            )}
            {kind.settings.map((setting) => <SettingField key={setting.name} setting={setting} form={form} isSet={connection?.secrets.includes(setting.name) === true} />)}
          </Stack>
        </Paper>
        <Paper withBorder p="md">
          <Stack>
            <Title order={3}>How much of the mail</Title>
            <Switch label="Mail leaves by it" description={others.length > 0 ? 'Switched off, it can be tried first, and takes no mail of yours.' : 'Switched off, it can be tried first; it is your only one, so your mail waits until it is switched on.'} {...form.getInputProps('enabled', { type: 'checkbox' })} />
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              {streams.map(({ value, label }) => {
                const weight = Number(form.values[`${value}_weight`]);
                const shared = share(weight, [weight, ...weighed.map((other) => other[`${value}_weight`])]);
                return (
                  <NumberInput key={value} label={`${label}: weight`} description="0 to 100, beside the weights of the other connections." min={0} max={100} allowDecimal={false} clampBehavior="strict" {...form.getInputProps(`${value}_weight`)}
                    error={form.errors[`${value}_weight`]} inputWrapperOrder={['label', 'description', 'input', 'error']} rightSectionWidth={88} rightSection={<Text size="sm" fw={500}>{form.values.enabled ? `= ${shared}` : '= none'}</Text>} />
                );
              })}
              <NumberInput label="Most a second" description="Empty: as many as it takes." min={0} {...form.getInputProps('per_second')} />
              <NumberInput label="Most a day" description="UTC. A twentieth of them is kept for transactional mail." min={0} allowDecimal={false} thousandSeparator="," {...form.getInputProps('per_day')} />
            </SimpleGrid>
            <TextInput label="Where it keeps data" description="Such as eu; where the settings tell, empty will do. If the account is bound to a region, only connections of that region send." placeholder="eu" maw={340} {...form.getInputProps('region')} />
          </Stack>
        </Paper>
        <Group>
          <Button type="submit" disabled={connection !== undefined && !form.isDirty()} loading={save.isPending}>{connection ? 'Save' : 'Add it'}</Button>
          {!connection && <Button variant="default" onClick={onCancel}>Cancel</Button>}
        </Group>
      </Stack>
    </form>
  );
}

/** A secret that was saved does not stay in the browser. */
function withoutSecrets(settings: Record<string, string>, kind: ProviderKind) {
  return { ...settings, ...Object.fromEntries(kind.settings.filter(({ secret }) => secret).map(({ name }) => [name, ''])) };
}

/** An empty secret is kept, so it is not sent; 0 is the server's word for no limit. A region that was not touched goes with the settings. */
function draftOf(values: ConnectionValues, kind: ProviderKind, before?: Connection): Schemas['ConnectionDraft'] {
  const secrets = new Set(kind.settings.filter(({ secret }) => secret).map(({ name }) => name));
  return {
    type: kind.name,
    name: values.name,
    settings: Object.fromEntries([
      ...Object.entries(values.settings).filter(([name, value]) => value !== '' || !secrets.has(name)),
      ...values.removed.map((name) => [name, ''] as const),
    ]),
    enabled: values.enabled,
    marketing_weight: Number(values.marketing_weight),
    transactional_weight: Number(values.transactional_weight),
    per_second: Number(values.per_second),
    per_day: Number(values.per_day),
    region: values.region.trim() === (before?.region ?? '') ? undefined : values.region.trim(),
  };
}
