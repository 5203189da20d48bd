import type { RuleGroupType, RuleType } from 'react-querybuilder';

/** The part of the rule language that the builder can show. What is beyond it stays text. */

const identifier = /^[A-Za-z_]\w*$/;
const quote = (text: string) => JSON.stringify(text);
const pathOf = (name: string) => (identifier.test(name) ? `contact.${name}` : `contact[${quote(name)}]`);

export const eventPrefix = 'event:';
export const contactPrefix = 'contact:';

export interface EventValue {
  times: number;
  /** 0: ever. */
  days: number;
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

/** CEL as a rule of the builder; null where the builder has no such thing. */
export function fromCel(cel: string): RuleGroupType | null {
  if (!cel.trim()) return { combinator: 'and', rules: [] };
  const reader = new Reader(cel);
  const found = reader.or();
  if (!found || !reader.atEnd()) return null;
  return 'rules' in found ? found : { combinator: 'and', rules: [found] };
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
    if ((match = this.match(String.raw`count_events\(\s*(${string})\s*(?:,\s*duration\("(\d+)d"\)\s*)?\)\s*(==|>=|>)\s*(\d+)`))) return eventRule(match);
    if ((match = this.match(String.raw`(!\s*)?\(?\s*(${string})\s+in\s+contact\.tags\b`, (found) => found[0].includes('('))))
      return rule('tags', match[1] ? 'hasNotTag' : 'hasTag', unquote(match[2]!));
    if ((match = this.match(String.raw`(!\s*)?has\(\s*${path}\s*\)`))) return rule(nameOf(match, 2), match[1] ? 'isMissing' : 'isSet', '');
    if ((match = this.match(String.raw`${path}\.(contains|startsWith|endsWith)\(\s*(${string})\s*\)`)))
      return rule(nameOf(match, 1), match[3] === 'startsWith' ? 'beginsWith' : match[3]!, unquote(match[4]!));
    if ((match = this.match(String.raw`${path}\s+in\s+\[((?:\s*${string}\s*,?)+)\]`)))
      return rule(nameOf(match, 1), 'in', [...match[3]!.matchAll(new RegExp(string, 'g'))].map((item) => unquote(item[0])).join(', '));
    if ((match = this.match(String.raw`${path}\s*([<>])\s*now\s*-\s*duration\("(\d+)d"\)`))) return rule(nameOf(match, 1), match[3] === '>' ? 'within' : 'before', Number(match[4]));
    if ((match = this.match(String.raw`${path}\s*(==|!=|<=|>=|<|>)\s*(?:(${string})|(-?\d+(?:\.\d+)?)|(true|false))(?![\w.])`)))
      return rule(nameOf(match, 1), match[3]!, match[4] ? unquote(match[4]) : match[5] ? Number(match[5]) : match[6] === 'true');
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

function rule(name: string, operator: string, value: unknown): RuleType {
  return { field: contactPrefix + name, operator, value };
}

function eventRule([, type, days, comparison, number]: RegExpExecArray): RuleType | null {
  const times = Number(number) + (comparison === '>' ? 1 : 0);
  if (comparison === '==' && times !== 0) return null;
  return { field: eventPrefix + unquote(type!), operator: comparison === '==' ? 'never' : 'atLeast', value: { times, days: Number(days ?? 0) } satisfies EventValue };
}

function nameOf(match: RegExpExecArray, group: number) {
  return match[group] ?? unquote(match[group + 1]!);
}

function unquote(text: string): string {
  return JSON.parse(text) as string;
}
