import { Alert, Anchor, Badge, Breadcrumbs, Button, Group, List, Menu, Select, Tabs, Text, TextInput, Title } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconHistory, IconSend } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { call } from '../api/call';
import { api, data } from '../api/client';
import { fieldErrors } from '../api/problem';
import { useMay } from '../session/session';
import { LeaveGuard, withoutAsking } from '../ui/LeaveGuard';
import { Overtaken } from '../ui/Overtaken';
import { Loading } from '../ui/states';
import { toast, toastError } from '../ui/toast';
import { useTitle } from '../ui/useTitle';
import { Preview } from './Preview';
import { bodyOf, draftOf, startingMjml, type Draft, type Template } from './template';
import { TestSend } from './TestSend';
import classes from './templates.module.css';

// Editors are large and few open them: they are read when needed.
const CodeEditor = lazy(async () => ({ default: (await import('./CodeEditor')).CodeEditor }));
const VisualEditor = lazy(async () => ({ default: (await import('./VisualEditor')).VisualEditor }));

export function TemplateEditor({ templateKey, saved, initial }: { templateKey: string; saved: Template | null; initial: Draft }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const mayWrite = useMay('editor') && !saved?.razor;
  const [draft, setDraft] = useState(initial);
  const [base, setBase] = useState(initial);
  const [round, setRound] = useState(0);
  const [testing, setTesting] = useState(false);
  useTitle(templateKey);
  const set = (change: Partial<Draft>) => setDraft((old) => ({ ...old, ...change }));
  const path = `/templates/${encodeURIComponent(templateKey)}`;
  const save = useMutation({
    meta: { shows: 409 },
    mutationFn: () => call<Template>('PUT', path, { body: { ...bodyOf(draft), if_version: saved?.version ?? 0 } }),
    onSuccess: async (template) => {
      setBase(draft);
      await queries.invalidateQueries({ queryKey: ['templates', 'list'] });
      await queries.invalidateQueries({ queryKey: ['templates', 'versions', templateKey] });
      queries.setQueryData(['templates', 'one', templateKey], template);
      if (!saved) await navigate(path, { replace: true, state: withoutAsking });
      toast(`Version ${template.version} is saved.`); // last: what is reloaded from now on is what was saved
    },
  });
  const changed = saved === null || JSON.stringify(draft) !== JSON.stringify(base);
  const visual = draft.design !== null;

  const replace = (next: Draft) => {
    setDraft(next);
    setRound(round + 1); // editors take up a text once, when they open
  };
  const changeForm = (form: string | null) => {
    if (form === (visual ? 'visual' : 'code')) return;
    modals.openConfirmModal({
      title: visual ? 'Go on in HTML?' : 'Go on visually?',
      children: <Text size="sm">{visual ? 'The mail becomes plain HTML and cannot be taken back into the visual editor.' : 'The visual editor cannot read HTML: it begins afresh. What is saved stays until you save over it.'}</Text>,
      labels: { confirm: 'Go on', cancel: 'Cancel' },
      onConfirm: () => replace(visual ? { ...draft, design: null } : { ...draft, design: startingMjml, layout: null }),
    });
  };

  return (
    <div className="page-wide">
      <LeaveGuard dirty={mayWrite && JSON.stringify(draft) !== JSON.stringify(base)} />
      <Breadcrumbs fz="sm" mb={4}><Anchor component={Link} to="/templates" size="sm">Templates</Anchor><Text size="sm" className="faint">{templateKey}</Text></Breadcrumbs>
      <Group className="top" justify="space-between" mb="sm" wrap="nowrap">
        <Group gap="sm">
          <Title order={1}>{templateKey}</Title>
          {saved && <Text size="sm" className="faint">version {saved.version}</Text>}
          {saved?.razor && <Badge variant="light" color="grape" tt="none">Written in code; it changes with a deployment</Badge>}
        </Group>
        <Group gap="xs" className="top" wrap="nowrap">
          {saved && <Versions templateKey={templateKey} onChoose={(template) => replace(draftOf(template))} />}
          {saved && <Button variant="default" leftSection={<IconSend size={16} />} disabled={changed} title={changed ? 'Save first' : undefined} onClick={() => setTesting(true)}>Send a test</Button>}
          {mayWrite && <Button disabled={!changed} loading={save.isPending} onClick={() => save.mutate()}>Save</Button>}
        </Group>
      </Group>
      <Group className="top" gap="sm" mb="sm" align="flex-end" wrap="nowrap">
        <TextInput label="Subject" style={{ flex: '1 1 240px' }} value={draft.subject} readOnly={!mayWrite} error={fieldErrors(save.error).subject} onChange={(event) => set({ subject: event.currentTarget.value })} />
        <Select label="Kind" w={170} allowDeselect={false} readOnly={!mayWrite} value={draft.stream} onChange={(stream) => set({ stream: stream as Draft['stream'] })} data={[{ value: 'marketing', label: 'Marketing' }, { value: 'transactional', label: 'Transactional' }]} />
        {!visual && <LayoutSelect value={draft.layout} own={templateKey} readOnly={!mayWrite} onChange={(layout) => set({ layout })} />}
      </Group>
      <Overtaken error={save.error} onReload={() => void queries.refetchQueries({ queryKey: ['templates', 'one', templateKey] })} />
      {fieldErrors(save.error).html && <Alert color="red" role="alert" mb="sm">{fieldErrors(save.error).html}</Alert>}
      {saved && saved.warnings.length > 0 && !changed && <Alert color="yellow" mb="sm" title="Worth a look"><List size="sm">{saved.warnings.map((warning) => <List.Item key={warning}>{warning}</List.Item>)}</List></Alert>}
      <div className={visual ? classes.single : classes.split}>
        <div className={classes.editor}>
          <Tabs value={visual ? 'visual' : 'code'} onChange={changeForm}>
            <Tabs.List aria-label="How to write it"><Tabs.Tab value="visual" disabled={!mayWrite}>Visual</Tabs.Tab><Tabs.Tab value="code" disabled={!mayWrite}>HTML</Tabs.Tab></Tabs.List>
          </Tabs>
          <Suspense fallback={<Loading />}>
            {visual
              ? <VisualEditor key={round} mjml={draft.design!} onChange={(design, html) => set({ design, html })} onError={toastError} />
              : <CodeEditor key={round} text={draft.html} readOnly={!mayWrite} onChange={(html) => set({ html })} />}
          </Suspense>
        </div>
        <Preview templateKey={templateKey} draft={draft} />
      </div>
      {testing && <TestSend templateKey={templateKey} onClose={() => setTesting(false)} />}
    </div>
  );
}

function LayoutSelect({ value, own, readOnly, onChange }: { value: string | null; own: string; readOnly: boolean; onChange: (layout: string | null) => void }) {
  const { data: templates } = useQuery({ queryKey: ['templates', 'keys'], queryFn: () => data(api.GET('/api/v1/templates', { params: { query: { limit: 1000 } } })) });
  const layouts = templates?.items.map((template) => template.key).filter((key) => key !== own) ?? [];
  return <Select label="Layout" w={190} clearable searchable placeholder="None" readOnly={readOnly} data={layouts} value={value} onChange={onChange} />;
}

function Versions({ templateKey, onChoose }: { templateKey: string; onChoose: (template: Template) => void }) {
  const { data: versions } = useQuery({
    queryKey: ['templates', 'versions', templateKey],
    queryFn: () => data(api.GET('/api/v1/templates/{key}/versions', { params: { path: { key: templateKey }, query: { limit: 50 } } })),
  });
  const open = async (version: number) => {
    onChoose(await data(api.GET('/api/v1/templates/{key}/versions/{version}', { params: { path: { key: templateKey, version } } })));
    toast(`Version ${version} is in the editor. Save it to use it again.`);
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target><Button variant="default" leftSection={<IconHistory size={16} />}>Versions</Button></Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
        {versions?.items.map((version) => (
          <Menu.Item key={version.version} onClick={() => void open(version.version).catch(toastError)}>
            <Text size="sm">Version {version.version}</Text>
            <Text size="xs" className="faint">{version.created_at ? new Date(version.created_at).toLocaleString('en-GB') : version.subject}</Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
