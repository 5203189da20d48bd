import { Alert, Group, Paper, SegmentedControl, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { messageOf } from '../api/problem';
import { MailFrame } from '../ui/MailFrame';
import { Empty } from '../ui/states';
import type { Draft } from './template';
import classes from './templates.module.css';

const sampleContact = { email: 'ada@example.org', first_name: 'Ada', last_name: 'Lovelace' };

/** The mail as a contact would get it, while it is being written. */
export function Preview({ templateKey, draft }: { templateKey: string; draft: Draft }) {
  const [userId, setUserId] = useState('');
  const [form, setForm] = useState<'html' | 'text'>('html');
  const [asked] = useDebouncedValue({ draft, userId: userId.trim() }, 500);
  const { subject, html, text, layout, stream } = asked.draft;
  const preview = useQuery({
    queryKey: ['templates', 'preview', templateKey, subject, html, text, layout, stream, asked.userId],
    queryFn: () => call<Schemas['Preview']>('POST', `/templates/${encodeURIComponent(templateKey)}/preview`, {
      body: { subject, html, text, layout, stream, ...(asked.userId ? { user_id: asked.userId } : { contact: sampleContact }) },
    }),
    enabled: html !== '' && subject !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
  const warnings = [...(preview.data?.warnings ?? []), ...(preview.data?.missing_variables ?? []).map((name) => `${name} is missing for this contact and shows as nothing.`)];
  const foreign = /<img[^>]+src=["']?https?:/i.test(preview.data?.html ?? '');
  return (
    <Paper withBorder className={classes.preview}>
      <Group p="xs" gap="xs" justify="space-between" wrap="nowrap" className={classes.bar}>
        <TextInput size="xs" aria-label="Preview as the contact" placeholder="Preview as (user id)" value={userId} onChange={(event) => setUserId(event.currentTarget.value)} style={{ flex: 1 }} />
        <SegmentedControl size="xs" aria-label="Show" value={form} onChange={(value) => setForm(value)} data={[{ value: 'html', label: 'Mail' }, { value: 'text', label: 'Plain text' }]} />
      </Group>
      <div className={classes.scroll} tabIndex={0} role="region" aria-label="Preview">
        {!subject || !html ? <Empty title="No preview yet">It shows as soon as there is a subject and a text.</Empty>
          : preview.error ? <Alert color="red" m="sm" title="It cannot be shown">{messageOf(preview.error)}</Alert>
            : preview.data && (
              <>
                <Text fw={600} p="sm" className={classes.bar}>{preview.data.subject}</Text>
                {warnings.length > 0 && <Alert color="yellow" m="sm" p="xs">{warnings.map((warning) => <Text key={warning} size="xs">{warning}</Text>)}</Alert>}
                {foreign && <Text size="xs" className="faint" px="sm" pt="xs">Pictures on other servers are not loaded here; who gets the mail sees them.</Text>}
                {form === 'html' ? <MailFrame html={preview.data.html} title="Preview of the mail" minHeight={320} /> : <pre className="plain" style={{ padding: 12 }}>{preview.data.text}</pre>}
              </>
            )}
      </div>
    </Paper>
  );
}
