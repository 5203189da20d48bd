import { Anchor, Text } from '@mantine/core';
import { Link } from 'react-router';
import { pathOf } from '../../journeys/journeys';
import type { Entry } from './AuditPage';

const pages: Record<string, (subject: string) => string> = {
  journey: (subject) => `${pathOf(subject)}/overview`,
  instance: (subject) => `/instances/${subject}`,
  template: (subject) => `/templates/${encodeURIComponent(subject)}`,
  webhook_endpoint: (subject) => `/settings/webhooks/${subject}`,
  segment: (subject) => `/segments/${encodeURIComponent(subject)}`,
};

/** What a change was made to; a link where it can be looked at, by the name people call it. */
export function Subject({ entry, journeys }: { entry: Entry; journeys: Map<string, string> }) {
  const [kind = '', act] = entry.action.split('.');
  const contact = entry.detail.user_id;
  const name = kind === 'journey' ? (journeys.get(entry.subject) ?? entry.subject) : kind === 'instance' && typeof contact === 'string' ? `Trip of ${contact}` : entry.subject;
  const page = pages[kind];
  return page && act !== 'delete' ? <Anchor component={Link} to={page(entry.subject)} size="sm">{name}</Anchor> : <Text size="sm">{name}</Text>;
}
