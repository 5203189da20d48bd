import 'react-querybuilder/dist/query-builder-layout.css';
import { NumberInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { QueryBuilder, type Field, type RuleGroupType, type ValueEditorProps, type VersatileSelectorProps } from 'react-querybuilder';
import { fieldsQuery, type Fields } from '../api/fields';
import { contactPrefix, defaultValue, eventPrefix, kindsIn, operators, settled, type EventValue, type Kind, type Kinds } from './rule';
import './builder.css';

const option = (name: string, label: string) => ({ name, value: name, label });
/** A rule in words: who is meant, without writing CEL. */
export function RuleBuilder({ query, kinds, onChange, disabled }: { query: RuleGroupType; kinds: Kinds; onChange: (query: RuleGroupType) => void; disabled: boolean }) {
  const { data: known } = useQuery(fieldsQuery);
  return (
    <QueryBuilder query={query} onQueryChange={(changed) => onChange(settled(changed, kinds))} disabled={disabled} fields={fieldsOf(known, query, kinds)} combinators={[option('and', 'all of these'), option('or', 'any of these')]}
      getDefaultValue={({ field }) => defaultValue(field.startsWith(eventPrefix) ? 'event' : (kinds.get(field) ?? 'text'))}
      controlElements={{ valueEditor: Value, combinatorSelector: Choice, fieldSelector: Choice, operatorSelector: Choice }} controlClassnames={{ queryBuilder: 'rule-builder' }} resetOnFieldChange autoSelectField
      translations={{ addRule: { label: 'Add a condition', title: 'Add a condition' }, addGroup: { label: 'Add a group', title: 'Add a group' }, removeRule: { label: '✕', title: 'Remove the condition' }, removeGroup: { label: '✕', title: 'Remove the group' } }} />
  );
}

/** The choices: what the account's data holds, and what the rule names already. */
function fieldsOf(known: Fields | undefined, query: RuleGroupType, kinds: Kinds): Field[] {
  const fields = new Map<string, Field>();
  const add = (name: string, kind: Kind, examples: unknown[] = []) => {
    if (fields.has(name)) return;
    const label = name.startsWith(eventPrefix) ? `Event: ${name.slice(eventPrefix.length)}` : name.slice(contactPrefix.length).replaceAll('_', ' ');
    const offered = Object.entries(operators[kind]).map(([operator, words]) => option(operator, words));
    fields.set(name, { ...option(name, label), operators: offered, datatype: kind, inputType: kind === 'number' || kind === 'instant' ? 'number' : 'text', placeholder: typeof examples[0] === 'string' ? examples[0] : '' });
  };
  const all = kindsIn(query, kinds);
  for (const { name, examples } of known?.contact ?? []) add(contactPrefix + name, all.get(contactPrefix + name) ?? 'text', examples);
  add(`${contactPrefix}tags`, 'tags');
  for (const event of known?.events ?? []) add(eventPrefix + event.event_type, 'event');
  for (const [name, kind] of all) add(name, kind);
  return [...fields.values()];
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
