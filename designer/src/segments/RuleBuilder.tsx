import 'react-querybuilder/dist/query-builder-layout.css';
import { NumberInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { QueryBuilder, type Field, type RuleGroupType, type ValueEditorProps, type VersatileSelectorProps } from 'react-querybuilder';
import { fieldsQuery, type Fields } from '../api/fields';
import { contactPrefix, eventPrefix, type EventValue } from './rule';
import './builder.css';

const option = (name: string, label: string) => ({ name, value: name, label });
const presence = [option('isSet', 'has a value'), option('isMissing', 'has no value')];
const operators: Record<string, ReturnType<typeof option>[]> = {
  text: [option('==', 'is'), option('!=', 'is not'), option('contains', 'contains'), option('beginsWith', 'begins with'), option('endsWith', 'ends with'), option('in', 'is one of'), ...presence],
  number: [option('==', '='), option('!=', '≠'), option('>', '>'), option('>=', '≥'), option('<', '<'), option('<=', '≤'), ...presence],
  truth: [option('==', 'is'), ...presence],
  instant: [option('within', 'in the last … days'), option('before', 'more than … days ago'), ...presence],
  tags: [option('hasTag', 'has the tag'), option('hasNotTag', 'has not the tag')],
  event: [option('atLeast', 'happened at least'), option('never', 'did not happen')],
};

/** A rule in words: who is meant, without writing CEL. */
export function RuleBuilder({ query, onChange, disabled }: { query: RuleGroupType; onChange: (query: RuleGroupType) => void; disabled: boolean }) {
  const { data: known } = useQuery(fieldsQuery);
  return (
    <QueryBuilder query={query} onQueryChange={onChange} disabled={disabled} fields={fieldsOf(known, query)} combinators={[option('and', 'all of these'), option('or', 'any of these')]}
      getDefaultValue={({ field }) => (field.startsWith(eventPrefix) ? ({ times: 1, days: 30 } satisfies EventValue) : '')}
      controlElements={{ valueEditor: Value, combinatorSelector: Choice, fieldSelector: Choice, operatorSelector: Choice }} controlClassnames={{ queryBuilder: 'rule-builder' }} resetOnFieldChange autoSelectField
      translations={{ addRule: { label: 'Add a condition', title: 'Add a condition' }, addGroup: { label: 'Add a group', title: 'Add a group' }, removeRule: { label: '✕', title: 'Remove the condition' }, removeGroup: { label: '✕', title: 'Remove the group' } }} />
  );
}

/** The choices: what the account's data holds, and what the rule names already. */
function fieldsOf(known: Fields | undefined, query: RuleGroupType): Field[] {
  const fields = new Map<string, Field>();
  const add = (name: string, label: string, kind: string, examples: unknown[] = []) => {
    if (fields.has(name)) return;
    const type = kind in operators ? kind : /^(number|integer|double)$/.test(kind) ? 'number' : /^(bool|boolean|truth)$/.test(kind) ? 'truth' : /^(instant|date|timestamp)$/.test(kind) ? 'instant' : 'text';
    fields.set(name, { ...option(name, label), operators: operators[type]!, datatype: type, inputType: type === 'number' || type === 'instant' ? 'number' : 'text', placeholder: typeof examples[0] === 'string' ? examples[0] : '' });
  };
  for (const field of known?.contact ?? []) add(contactPrefix + field.name, field.name.replaceAll('_', ' '), field.name === 'tags' ? 'tags' : field.type, field.examples);
  add(`${contactPrefix}tags`, 'tags', 'tags');
  for (const event of known?.events ?? []) add(eventPrefix + event.event_type, `Event: ${event.event_type}`, 'event');
  const visit = (group: RuleGroupType) => {
    for (const rule of group.rules) {
      if ('rules' in rule) visit(rule);
      else if (rule.field.startsWith(eventPrefix)) add(rule.field, `Event: ${rule.field.slice(eventPrefix.length)}`, 'event');
      else add(rule.field, rule.field.slice(contactPrefix.length).replaceAll('_', ' '), kindOf(rule.operator, rule.value));
    }
  };
  visit(query);
  return [...fields.values()];
}

function kindOf(operator: string, value: unknown) {
  if (operator === 'within' || operator === 'before') return 'instant';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'truth' : 'text';
}

function Value(props: ValueEditorProps) {
  const { operator, fieldData } = props;
  const [value, disabled] = [props.value as unknown, Boolean(props.disabled)];
  const change = (changed: unknown) => props.handleOnChange(changed);
  if (operator === 'isSet' || operator === 'isMissing') return null;
  if (fieldData.datatype === 'event') return <EventEditor value={value as EventValue} never={operator === 'never'} onChange={change} disabled={disabled} />;
  if (fieldData.datatype === 'number' || fieldData.datatype === 'instant')
    return <NumberInput hideControls size="xs" w={110} aria-label="Value" disabled={disabled} value={typeof value === 'number' ? value : ''} onChange={(changed) => change(changed === '' ? 0 : Number(changed))} />;
  if (fieldData.datatype === 'truth')
    return (
      <select className="rule-value" aria-label="Value" disabled={disabled} value={String(value === true || value === 'true')} onChange={(event) => change(event.currentTarget.value === 'true')}>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  return <input type="text" aria-label="Value" placeholder={fieldData.placeholder ?? ''} disabled={disabled} value={typeof value === 'string' || typeof value === 'number' ? String(value) : ''} onChange={(event) => change(event.currentTarget.value)} />;
}

/** A select with a name for screen readers, which the builder's own lacks. */
function Choice(props: VersatileSelectorProps) {
  const { value, title, disabled, className } = props;
  const flat = props.options as { name: string; label: string }[];
  return (
    <select className={className} aria-label={title} disabled={disabled} value={value} onChange={(event) => props.handleOnChange(event.currentTarget.value)}>
      {flat.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
    </select>
  );
}

function EventEditor({ value, never, onChange, disabled }: { value: EventValue; never: boolean; onChange: (value: EventValue) => void; disabled: boolean }) {
  return (
    <span className="rule-event">
      {!never && <><NumberInput hideControls size="xs" w={64} min={1} aria-label="Times" disabled={disabled} value={value.times} onChange={(times) => onChange({ ...value, times: Number(times) || 1 })} /> times</>}
      <select className="rule-value" aria-label="Since when" disabled={disabled} value={value.days > 0 ? 'days' : 'ever'} onChange={(event) => onChange({ ...value, days: event.currentTarget.value === 'ever' ? 0 : 30 })}>
        <option value="days">in the last</option>
        <option value="ever">ever</option>
      </select>
      {value.days > 0 && <><NumberInput hideControls size="xs" w={74} min={1} max={3650} aria-label="Days" disabled={disabled} value={value.days} onChange={(days) => onChange({ ...value, days: Number(days) || 1 })} /> days</>}
    </span>
  );
}
