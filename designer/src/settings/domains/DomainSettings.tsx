import { Button, Group, NumberInput, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/call';
import type { Schemas } from '../../api/client';
import { fieldErrors } from '../../api/problem';
import { toast } from '../../ui/toast';
import { domainsKey } from './domains';

type Change = { return_path: string | null; tracking_host: string | null; per_second: number | null; dkim_selector?: string | null; dkim_key?: 'generate' | 'remove' };

export function DomainSettings({ domain }: { domain: Schemas['SendingDomain'] }) {
  const queries = useQueryClient();
  const ours = domain.dkim?.ours === true || domain.next_dkim != null;
  const form = useForm({ initialValues: { return_path: domain.return_path ?? '', tracking_host: domain.tracking_host ?? '', per_second: (domain.per_second ?? '') as number | string, dkim_selector: ours ? '' : domain.dkim?.selector ?? '' } });
  const put = useMutation({
    mutationFn: (change: Change) => call<Schemas['SendingDomain']>('PUT', `/domains/${encodeURIComponent(domain.domain)}`, { body: change }),
    meta: { quiet: true },
    onSuccess: async () => {
      toast('Saved. Check the domain when its records are published.');
      form.resetDirty();
      await queries.invalidateQueries({ queryKey: domainsKey });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const hosts = () => ({ return_path: form.values.return_path || null, tracking_host: form.values.tracking_host || null, per_second: form.values.per_second === '' ? null : Number(form.values.per_second) });
  return (
    <Paper withBorder p="md">
      <form onSubmit={form.onSubmit((values) => put.mutate({ ...hosts(), ...(!ours && { dkim_selector: values.dkim_selector || null }) }))}>
        <Stack>
          <Title order={3} size="h4">How it is set up</Title>
          <TextInput label="Return path" description="The domain that bounces go to. Empty: the domain itself." placeholder={`bounce.${domain.domain}`} {...form.getInputProps('return_path')} />
          <TextInput label="Host of links" description="What links in your mail lead to. Empty: this server's own address." placeholder={`links.${domain.domain}`} {...form.getInputProps('tracking_host')} />
          <NumberInput label="Most a second" description="How many mails leave the domain in a second, by all of your connections together. Empty: any number." min={0} maw={340} {...form.getInputProps('per_second')} />
          {ours
            ? <Text size="sm">{domain.dkim?.ours ? `Mail by SMTP is signed here, with the key “${domain.dkim.selector}”.` : 'A signing key was made; it waits for its record.'}</Text>
            : <TextInput label="DKIM selector of your provider" description="The part before “._domainkey” in the record your provider had you publish." placeholder="s1" {...form.getInputProps('dkim_selector')} />}
          {form.errors['dkim_key'] && <Text size="sm" c="red">{form.errors['dkim_key']}</Text>}
          <Group>
            <Button type="submit" disabled={!form.isDirty()} loading={put.isPending}>Save</Button>
            <Button variant="default" loading={put.isPending} onClick={() => put.mutate({ ...hosts(), dkim_key: 'generate' })}>{ours ? 'Make a new signing key' : 'Sign mail here: make a key'}</Button>
            {ours && <Button variant="subtle" color="red" loading={put.isPending} onClick={() => put.mutate({ ...hosts(), dkim_key: 'remove' })}>Sign no more</Button>}
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
