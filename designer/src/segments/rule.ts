import type { RuleGroupType, RuleType } from 'react-querybuilder';

/** The part of the rule language that the builder can show. What is beyond it stays text. */

const identifier = /^(?!(?:true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$)[A-Za-z_]\w*$/;
const quote = (text: string) => JSON.stringify(text);
const pathOf = (name: string) => (identifier.test(name) ? `contact.${name}` : `contact[${quote(name)}]`);

export const eventPrefix = 'event:';
export const contactPrefix = 'contact:';

export interface EventValue {
  times: number;
  /** 0: ever. */
  days: number;
}

/** What a field holds; it decides what can be asked of it. */
export type Kind = 'text' | 'number' | 'truth' | 'instant' | 'tags' | 'event';
export type Kinds = ReadonlyMap<string, Kind>;

const presence = { isSet: 'has a value', isMissing: 'has no value' };

/** What can be asked, by kind of field: the operators in the order in which they are offered, each with its words. */
export const operators: Record<Kind, Record<string, string>> = {
  text: { '==': 'is', '!=': 'is not', contains: 'contains', beginsWith: 'begins with', endsWith: 'ends with', in: 'is one of', ...presence },
  number: { '==': '=', '!=': '≠', '>': '>', '>=': '≥', '<': '<', '<=': '≤', ...presence },
  truth: { '==': 'is', '!=': 'is not', ...presence },
  instant: { within: 'in the last … days', before: 'more than … days ago', ...presence },
  tags: { hasTag: 'has the tag', hasNotTag: 'has not the tag' },
  event: { atLeast: 'happened at least', never: 'did not happen' },
};

/** A field's kind by what the account's data says of it. */
export function kindOfField(name: string, type: string): Kind {
  if (name === 'tags') return 'tags';
  if (/^(number|integer|double)$/.test(type)) return 'number';
  if (/^(bool|boolean|truth)$/.test(type)) return 'truth';
  return /^(instant|date|timestamp)$/.test(type) ? 'instant' : 'text';
}

/** The value with which a condition begins. */
export function defaultValue(kind: Kind): unknown {
  if (kind === 'event') return { times: 1, days: 30 } satisfies EventValue;
  return kind === 'number' ? 0 : kind === 'truth' ? true : kind === 'instant' ? 30 : '';
}

const isPresence = (operator: string) => operator in presence;
const typeOf: Record<Kind, string> = { text: 'string', number: 'number', truth: 'boolean', instant: 'number', tags: 'string', event: 'object' };

/** The kinds of all fields the rule names: as known, else as the rule itself uses them. */
export function kindsIn(group: RuleGroupType, known: Kinds): Map<string, Kind> {
  const kinds = new Map<string, Kind>(known).set(`${contactPrefix}tags`, 'tags');
  const all = [...rulesIn(group)];
  for (const { field, operator, value } of all) if (!kinds.has(field) && !isPresence(operator)) kinds.set(field, inferred(field, operator, value));
  for (const { field } of all) if (!kinds.has(field)) kinds.set(field, 'text');
  return kinds;
}

function* rulesIn(group: RuleGroupType): Generator<RuleType> {
  for (const rule of group.rules) {
    if ('rules' in rule) yield* rulesIn(rule);
    else yield rule;
  }
}

function inferred(field: string, operator: string, value: unknown): Kind {
  if (field.startsWith(eventPrefix)) return 'event';
  if (operator === 'within' || operator === 'before') return 'instant';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'truth' : 'text';
}

/** Whether the builder's controls can hold all that the rule says. */
function fits(group: RuleGroupType, known: Kinds): boolean {
  const kinds = kindsIn(group, known);
  return [...rulesIn(group)].every(({ field, operator, value }) => {
    const kind = kinds.get(field)!;
    return operator in operators[kind] && (isPresence(operator) || typeof value === typeOf[kind]);
  });
}

/** The rule with a value of the right type wherever a change of the operator left none. */
export function settled(group: RuleGroupType, known: Kinds): RuleGroupType {
  const kinds = kindsIn(group, known);
  const settle = (part: RuleGroupType): RuleGroupType => ({
    ...part,
    rules: part.rules.map((rule) => {
      if ('rules' in rule) return settle(rule);
      const kind = kinds.get(rule.field) ?? 'text';
      return isPresence(rule.operator) || typeof rule.value === typeOf[kind] ? rule : { ...rule, value: defaultValue(kind) };
    }),
  });
  return settle(group);
}

const texts: Record<string, string> = { contains: 'contains', beginsWith: 'startsWith', endsWith: 'endsWith' };

/** A rule of the builder as CEL; empty where nothing is asked. */
export function toCel(group: RuleGroupType): string {
  const parts = group.rules.map((rule) => ('rules' in rule ? wrap(toCel(rule), rule) : ruleToCel(rule))).filter((part) => part !== '');
  return parts.join(group.combinator === 'or' ? ' || ' : ' && ');
}

function wrap(cel: string, group: RuleGroupType) {
  return cel && group.rules.length > 1 ? `(${cel})` : cel;
}

function ruleToCel({ field, operator, value }: RuleType): string {
  if (field.startsWith(eventPrefix)) {
    const { times, days } = value as EventValue;
    const type = quote(field.slice(eventPrefix.length));
    const counted = days > 0 ? `count_events(${type}, duration("${days}d"))` : `count_events(${type})`;
    return operator === 'never' ? `${counted} == 0` : `${counted} >= ${Math.max(1, times)}`;
  }
  const name = field.slice(contactPrefix.length);
  const path = pathOf(name);
  const text = String(value ?? '');
  switch (operator) {
    case 'hasTag': return text && `${quote(text)} in contact.tags`;
    case 'hasNotTag': return text && `!(${quote(text)} in contact.tags)`;
    case 'isSet': return `has(${path})`;
    case 'isMissing': return `!has(${path})`;
    case 'in': return text.trim() && `${path} in [${text.split(',').map((item) => quote(item.trim())).join(', ')}]`;
    case 'within': return `${path} > now - duration("${Number(value) || 1}d")`;
    case 'before': return `${path} < now - duration("${Number(value) || 1}d")`;
    case 'contains': case 'beginsWith': case 'endsWith': return text && `${path}.${texts[operator]}(${quote(text)})`;
    default: {
      const written = typeof value === 'boolean' ? String(value) : typeof value === 'number' ? String(value) : quote(text);
      return `${path} ${operator} ${written}`;
    }
  }
}

/** CEL as a rule of the builder; null where the builder cannot show and keep all of it, given the kinds of the fields that are known. */
export function fromCel(cel: string, known: Kinds = new Map()): RuleGroupType | null {
  if (!cel.trim()) return { combinator: 'and', rules: [] };
  const reader = new Reader(cel);
  const found = reader.or();
  if (!found || !reader.atEnd()) return null;
  const group: RuleGroupType = 'rules' in found ? found : { combinator: 'and', rules: [found] };
  return fits(group, known) ? group : null;
}

type Part = RuleType | RuleGroupType;

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  atEnd() {
    this.skip();
    return this.at === this.text.length;
  }

  or = (): Part | null => this.chain('||', 'or', this.and);

  private and = (): Part | null => this.chain('&&', 'and', this.unit);

  private chain(operator: string, combinator: string, next: () => Part | null): Part | null {
    const rules: Part[] = [];
    do {
      const part = next();
      if (!part) return null;
      rules.push(part);
    } while (this.take(operator));
    return rules.length === 1 ? rules[0]! : { combinator, rules };
  }

  private unit = (): Part | null => {
    const atom = this.atom();
    if (atom) return atom;
    if (!this.take('(')) return null;
    const inner = this.or();
    return inner && this.take(')') ? inner : null;
  };

  private atom(): RuleType | null {
    const string = String.raw`"(?:[^"\\]|\\.)*"`;
    const path = String.raw`contact(?:\.([A-Za-z_]\w*)|\[(${string})\])`;
    let match: RegExpExecArray | null;
    if ((match = this.match(String.raw`count_events\(\s*(${string})\s*(?:,\s*duration\("([1-9]\d{0,4})d"\)\s*)?\)\s*(==|>=|>)\s*(\d{1,9})(?![\w.])`))) return eventRule(match);
    if ((match = this.match(String.raw`!\s*\(\s*(${string})\s+in\s+contact\.tags\s*\)`))) return said('tags', 'hasNotTag', unquote(match[1]!));
    if ((match = this.match(String.raw`(${string})\s+in\s+contact\.tags\b`))) return said('tags', 'hasTag', unquote(match[1]!));
    if ((match = this.match(String.raw`(!\s*)?has\(\s*${path}\s*\)`))) return rule(nameOf(match, 2), match[1] ? 'isMissing' : 'isSet', '');
    if ((match = this.match(String.raw`${path}\.(contains|startsWith|endsWith)\(\s*(${string})\s*\)`)))
      return said(nameOf(match, 1), match[3] === 'startsWith' ? 'beginsWith' : match[3]!, unquote(match[4]!));
    if ((match = this.match(String.raw`${path}\s+in\s+\[(\s*${string}(?:\s*,\s*${string})*\s*,?\s*)\]`))) return list(nameOf(match, 1), [...match[3]!.matchAll(new RegExp(string, 'g'))].map((item) => unquote(item[0])));
    if ((match = this.match(String.raw`${path}\s*([<>])\s*now\s*-\s*duration\("([1-9]\d{0,4})d"\)`))) return rule(nameOf(match, 1), match[3] === '>' ? 'within' : 'before', Number(match[4]));
    if ((match = this.match(String.raw`${path}\s*(==|!=|<=|>=|<|>)\s*(?:(${string})|(-?\d+(?:\.\d+)?)|(true|false))(?![\w.])`)))
      return rule(nameOf(match, 1), match[3]!, match[4] ? unquote(match[4]) : match[5] ? number(match[5]) : match[6] === 'true');
    return null;
  }

  /** Matches here; `parenthesised` says that the match opened a parenthesis, which must then close. */
  private match(pattern: string, parenthesised: (found: RegExpExecArray) => boolean = () => false) {
    this.skip();
    const sticky = new RegExp(pattern, 'y');
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (!found) return null;
    const before = this.at;
    this.at = sticky.lastIndex;
    if (!parenthesised(found) || this.take(')')) return found;
    this.at = before;
    return null;
  }

  private take(token: string) {
    this.skip();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private skip() {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
}

function rule(name: string | null, operator: string, value: unknown): RuleType | null {
  return name === null || value === null ? null : { field: contactPrefix + name, operator, value };
}

/** A condition that an empty text would undo. */
function said(name: string | null, operator: string, value: string | null): RuleType | null {
  return value === '' ? null : rule(name, operator, value);
}

/** The control for lists is a text with commas: what holds one, or spaces at an end, is beyond it. */
function list(name: string | null, items: (string | null)[]): RuleType | null {
  return items.every((item) => item !== null && item !== '' && item === item.trim() && !item.includes(',')) ? rule(name, 'in', items.join(', ')) : null;
}

function eventRule([, type, days, comparison, number]: RegExpExecArray): RuleType | null {
  const name = unquote(type!);
  const times = Number(number) + (comparison === '>' ? 1 : 0);
  if (name === null || (comparison === '==' ? times !== 0 : times < 1)) return null;
  return { field: eventPrefix + name, operator: comparison === '==' ? 'never' : 'atLeast', value: { times, days: Number(days ?? 0) } satisfies EventValue };
}

function nameOf(match: RegExpExecArray, group: number) {
  return match[group] ?? unquote(match[group + 1]!);
}

/** A number that is written again as it stands. */
function number(text: string): number | null {
  return String(Number(text)) === text ? Number(text) : null;
}

/** The text between the quotes; null where it uses what only the rule language knows, such as `\x41`. */
function unquote(text: string): string | null {
  try {
    return JSON.parse(text) as string;
  } catch {
    return null;
  }
}
