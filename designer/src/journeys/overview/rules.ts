import type { ElsaDefinition } from '../elsa';

/** A journey's own rules as a form holds them; they travel in customProperties.mailflow. */
export interface Rules {
  entry: 'every_time' | 'once' | 'one_at_a_time' | 'once_per';
  period: string;
  exit_when: string;
  purpose: string;
  stream: 'marketing' | 'transactional';
  /** After how long a late wait is let go; null: never. */
  expire_late: string | null;
  /** The segment that enters when a trigger of the journey goes by the clock. */
  audience: string;
}

const per = 'once_per:';

function mailflowOf(definition: ElsaDefinition) {
  return (definition.customProperties?.mailflow ?? {}) as Record<string, unknown>;
}

export function rulesOf(definition: ElsaDefinition): Rules {
  const written = mailflowOf(definition);
  const text = (name: string) => (typeof written[name] === 'string' ? (written[name]) : '');
  const entry = text('entry');
  return {
    entry: entry.startsWith(per) ? 'once_per' : entry === 'once' || entry === 'one_at_a_time' ? entry : 'every_time',
    period: entry.startsWith(per) ? entry.slice(per.length) : 'P7D',
    exit_when: text('exit_when'),
    purpose: text('purpose'),
    stream: text('stream') === 'transactional' ? 'transactional' : 'marketing',
    expire_late: text('expire_late') || null,
    audience: text('audience'),
  };
}

/** The definition with these rules; what else it holds is untouched. */
export function withRules(definition: ElsaDefinition, name: string, description: string, rules: Rules): ElsaDefinition {
  const mailflow: Record<string, unknown> = {
    ...mailflowOf(definition),
    entry: rules.entry === 'once_per' ? per + rules.period : rules.entry,
    stream: rules.stream,
    exit_when: rules.exit_when.trim() || undefined,
    purpose: rules.purpose.trim() || undefined,
    expire_late: rules.expire_late?.trim() || undefined,
    audience: rules.audience.trim() || undefined,
  };
  return { ...definition, name, description, customProperties: { ...definition.customProperties, mailflow } };
}
