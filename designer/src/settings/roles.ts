import type { Role } from '../session/session';

export const roles: { value: Role; label: string; description: string }[] = [
  { value: 'viewer', label: 'Viewer', description: 'Sees everything, changes nothing.' },
  { value: 'editor', label: 'Editor', description: 'Also writes drafts, templates, segments and contacts.' },
  { value: 'publisher', label: 'Publisher', description: 'Also publishes, pauses and acts on contacts in journeys.' },
  { value: 'admin', label: 'Administrator', description: 'Also settings, people and API keys.' },
];
