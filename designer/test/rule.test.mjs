import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { transformWithEsbuild } from 'vite';
import { meaningOf } from './cel.mjs';

const source = await readFile(new URL('../src/segments/rule.ts', import.meta.url), 'utf8');
const { code } = await transformWithEsbuild(source, 'rule.ts');
const { fromCel, toCel, settled } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const kinds = new Map([['contact:first_name', 'text'], ['contact:city', 'text'], ['contact:total', 'number'], ['contact:flag', 'truth'], ['contact:created_at', 'instant']]);

const beyond = [
  'contact.flag > 3', 'contact.flag == "yes"', 'contact.first_name > "M"', 'contact.first_name == 3', 'contact.first_name >= true', 'contact.created_at == "2026-01-01"', 'contact.total == "5"', 'contact.total.contains("5")',
  'contact.city in ["Washington, DC", "Berlin"] && contact.n == 3', 'contact.city in [" Berlin"]', 'contact.city in [""]', 'contact.city in ["A" "B"]', 'contact.total in ["5"]',
  String.raw`contact.b == "it\'s"`, String.raw`contact.b == "\x41"`, String.raw`contact["\x41"] == 1`, String.raw`"\x41" in contact.tags`, String.raw`count_events("\x41") > 0`, String.raw`contact.city in ["\x41"]`,
  'count_events("x") >= 0', 'count_events("x") == 1', 'count_events("x", duration("0d")) > 0', 'contact.created_at > now - duration("0d")', 'contact.n > 3 && contact.n == "a"', 'contact.a > "x"', 'contact.flag < true',
  'contact.n == 1.50', 'contact.n == -0', 'contact.n == 12345678901234567890', 'contact.n == 3 + 1', 'contact.first_name.contains("")', '"" in contact.tags', '!"x" in contact.tags', 'contact.tags == "x"', 'has(contact.tags)',
  'contact.a == contact.b', '!(contact.flag == true)', 'count_events("x") > 1.5', 'contact.a == """x"""', "contact.a == 'x'", '(contact.a == "x"', 'contact.a == "x" &&',
];
for (const cel of beyond) test(`stays text: ${cel}`, () => assert.equal(fromCel(cel, kinds), null));

const shown = [
  ['contact.flag != true', { field: 'contact:flag', operator: '!=', value: true }],
  ['contact.city in ["Berlin", "Bonn"]', { field: 'contact:city', operator: 'in', value: 'Berlin, Bonn' }],
  ['contact.created_at > now - duration("30d")', { field: 'contact:created_at', operator: 'within', value: 30 }],
  ['contact["in"] == 3', { field: 'contact:in', operator: '==', value: 3 }],
  ['! ( "vip" in contact.tags )', { field: 'contact:tags', operator: 'hasNotTag', value: 'vip' }],
  ['count_events("order", duration("7d")) > 1', { field: 'event:order', operator: 'atLeast', value: { times: 2, days: 7 } }],
];
for (const [cel, rule] of shown) test(`is shown: ${cel}`, () => {
  assert.deepEqual(fromCel(cel, kinds), { combinator: 'and', rules: [rule] });
  assert.deepEqual(meaningOf(toCel(fromCel(cel, kinds))), meaningOf(cel));
});

test('a presence asked of a field does not decide its kind', () => assert.notEqual(fromCel('has(contact.n) && contact.n > 3'), null));

test('a condition whose operator changed gets a value of its kind', () =>
  assert.equal(toCel(settled({ combinator: 'and', rules: [{ field: 'contact:total', operator: '>', value: '' }, { field: 'contact:flag', operator: '!=', value: '' }] }, kinds)), 'contact.total > 0 && contact.flag != true'));

// The same rules in every run, so that a failure can be looked at.
function generator(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const one = (...choices) => choices[Math.floor(next() * choices.length)];
  const space = () => one('', '', ' ', '\n ');
  const string = () => one('"a"', '"Berlin"', '""', '"Washington, DC"', '" x"', '"x\\"y"', '"\\\\"', '"\\u00e9"', '"é"', '"]"', '"a && b"', '"\\x41"', '"it\\\'s"', '"\\n"', '")"');
  const path = () => one('contact.first_name', 'contact.city', 'contact.total', 'contact.flag', 'contact.created_at', 'contact.n', 'contact.m', 'contact["two words"]', 'contact["in"]', 'contact["n"]', 'contact.tags', 'contact["\\x41"]');
  const literal = () => one(string(), string(), one('0', '1', '-3', '5.5', '1.0', '99999999999999999999'), one('true', 'false'));
  const duration = () => `duration("${one('0', '1', '30', '365', '007')}d")`;
  const atom = () => one(
    () => `${path()}${space()}${one('==', '!=', '<', '<=', '>', '>=')}${space()}${literal()}`,
    () => `${path()}.${one('contains', 'startsWith', 'endsWith')}(${string()})`,
    () => `${path()} in [${space()}${Array.from({ length: one(1, 2, 3) }, string).join(`${space()},${space()}`)}${one('', '', ',')}]`,
    () => `${one('', '!')}has(${path()})`,
    () => `${string()} in contact.tags`,
    () => `!(${string()} in contact.tags)`,
    () => `${path()} ${one('<', '>')} now - ${duration()}`,
    () => `count_events(${string()}${one('', `, ${duration()}`)}) ${one('==', '>=', '>')} ${one('0', '1', '2')}`,
  )();
  const rule = (depth) => {
    if (depth === 0 || next() < 0.35) return atom();
    const joined = () => one('&&', '||');
    const parts = Array.from({ length: one(1, 2, 3) }, () => one(rule(depth - 1), `(${rule(depth - 1)})`));
    return parts.reduce((text, part) => `${text}${space()}${joined()}${space()}${part}`);
  };
  return { rule, atom };
}

test('every rule that is shown means the same when it is written again', () => {
  const { rule, atom } = generator(20260101);
  let accepted = 0;
  for (let round = 0; round < 20_000; round++) {
    const cel = round % 2 ? rule(3) : atom();
    const group = fromCel(cel, kinds);
    if (!group) continue;
    accepted++;
    assert.deepEqual(meaningOf(toCel(group)), meaningOf(cel), `${cel}\nbecame\n${toCel(group)}`);
    assert.notEqual(fromCel(toCel(group), kinds), null, `${toCel(group)} is not shown again`);
  }
  assert.ok(accepted > 3_000, `Only ${accepted} rules were shown.`);
});
