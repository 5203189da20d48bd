import { Alert, Anchor, Breadcrumbs, Button, Grid, Group, Paper, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { RuleGroupType } from 'react-querybuilder';
import { Link, useNavigate } from 'react-router';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { fieldsQuery } from '../api/fields';
import { fieldErrors } from '../api/problem';
import { useMay } from '../session/session';
import { PageHeader } from '../ui/PageHeader';
import { LeaveGuard, withoutAsking } from '../ui/LeaveGuard';
import { Overtaken } from '../ui/Overtaken';
import { Loading } from '../ui/states';
import { toast } from '../ui/toast';
import { Explain } from './Explain';
import { contactPrefix, fromCel, kindOfField, toCel } from './rule';
import { RuleBuilder } from './RuleBuilder';
import { Sample } from './Sample';

type Segment = Schemas['Segment'];

/** A rule, visually where it can be shown so, else as text; whom it finds; why one contact is in it. */
export function SegmentEditor({ segmentKey, saved, name: initialName, rule: initialRule, onReload }: { segmentKey: string; saved: Segment | null; name: string; rule: string; onReload: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const mayWrite = useMay('editor');
  const [name, setName] = useState(initialName);
  const [rule, setRule] = useState(initialRule);
  const { data: fields, isPending } = useQuery(fieldsQuery);
  const kinds = useMemo(() => new Map((fields?.contact ?? []).map(({ name, type }) => [contactPrefix + name, kindOfField(name, type)])), [fields]);
  // The builder's own group is kept beside the text: a condition that asks nothing yet has no words.
  const [edited, setEdited] = useState<RuleGroupType | null>(null);
  const query = useMemo(() => edited ?? fromCel(rule, kinds), [edited, rule, kinds]);
  const [chosen, setForm] = useState<'visual' | 'text' | null>(null);
  const form = chosen ?? (query ? 'visual' : 'text');
  // What was read when the editor opened: a later reading in the background must not pass for what the editor has seen.
  const [base, setBase] = useState(saved);
  const isNew = base === null;
  const path = `/segments/${encodeURIComponent(segmentKey)}`;
  const save = useMutation({
    meta: { shows: 409 },
    mutationFn: () => call<Segment>('PUT', path, { body: { name: name.trim(), rule, if_updated_at: base?.updated_at } }),
    onSuccess: async (segment) => {
      setBase(segment);
      await queries.invalidateQueries({ queryKey: ['segments'] });
      if (isNew) await navigate(path, { replace: true, state: withoutAsking });
      toast('The segment is saved.'); // last: what is reloaded from now on is what was saved
    },
  });
  const remove = useMutation({
    mutationFn: () => call('DELETE', path),
    onSuccess: async () => {
      toast('The segment was deleted.');
      await queries.invalidateQueries({ queryKey: ['segments', 'list'] });
      await navigate('/segments', { state: withoutAsking });
    },
  });
  const changeText = (text: string) => {
    setRule(text);
    setEdited(null);
  };
  const confirmRemove = () => modals.openConfirmModal({
    title: `Delete “${base?.name}”?`,
    children: <Text size="sm">Journeys that decide by it cannot be published any more until they name another one.</Text>,
    labels: { confirm: 'Delete', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(),
  });
  const changed = isNew || name.trim() !== base.name || rule !== base.rule;
  return (
    <div className="page">
      <Breadcrumbs fz="sm" mb={4}><Anchor component={Link} to="/segments" size="sm">Segments</Anchor><Text size="sm" className="faint">{segmentKey}</Text></Breadcrumbs>
      <PageHeader title={name || segmentKey} actions={mayWrite && (
        <>
          {!isNew && <Button variant="default" onClick={confirmRemove}>Delete</Button>}
          <Button disabled={!changed || !rule.trim() || !name.trim()} loading={save.isPending} onClick={() => save.mutate()}>Save</Button>
        </>
      )} />
      <LeaveGuard dirty={isNew ? Boolean(rule) : changed} />
      <Overtaken error={save.error} onReload={onReload} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Stack>
            <Paper withBorder p="md">
              <TextInput label="Name" value={name} readOnly={!mayWrite} onChange={(event) => setName(event.currentTarget.value)} mb="md" />
              <Group justify="space-between" mb="xs">
                <Text size="sm" fw={600}>Who is in it</Text>
                <SegmentedControl size="xs" aria-label="How to write the rule" value={form} onChange={(value) => setForm(value)} data={[{ value: 'visual', label: 'Conditions' }, { value: 'text', label: 'Text' }]} />
              </Group>
              {isPending ? <Loading /> : form === 'text'
                ? <Textarea aria-label="Rule" autosize minRows={4} readOnly={!mayWrite} placeholder={'contact.country == "DE" && count_events("order_placed", duration("30d")) > 0'} value={rule} onChange={(event) => changeText(event.currentTarget.value)} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }} />
                : query ? <RuleBuilder query={query} kinds={kinds} disabled={!mayWrite} onChange={(changed) => { setEdited(changed); setRule(toCel(changed)); }} />
                  : <Alert color="gray" title="Conditions cannot show this rule">It says more than they can hold, or compares a field with something of another kind. Read and change it as text.</Alert>}
              {fieldErrors(save.error).rule && <Alert color="red" mt="sm" role="alert">{fieldErrors(save.error).rule}</Alert>}
            </Paper>
            <Sample rule={rule} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>{!isNew && <Explain segmentKey={segmentKey} changed={changed} />}</Grid.Col>
      </Grid>
    </div>
  );
}
