// A reader of the rule language that owes nothing to the builder's: what a rule means, so that two texts can be compared.

const token = /\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[<>!\-+.,()[\]]))/y;

function tokensOf(text) {
  const tokens = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const found = token.exec(text);
    if (!found) throw new Error(`Not a rule: ${text}`);
    if (found[1] !== undefined) tokens.push({ literal: textOf(found[1]) });
    else if (found[2] !== undefined) tokens.push({ literal: Number(found[2]) });
    else tokens.push({ symbol: found[3] ?? found[4] });
  }
  return tokens;
}

const escapes = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', a: '\x07', v: '\v' };
const textOf = (quoted) => quoted.slice(1, -1).replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/gs, (_, u, x, other) => (u ?? x ? String.fromCharCode(parseInt(u ?? x, 16)) : (escapes[other] ?? other)));

/** The rule as a tree without what makes no difference: brackets, spaces, how a text is escaped, `> 0` for `>= 1` of a count. */
export function meaningOf(text) {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (symbol) => tokens[at]?.symbol === symbol;
  const take = (symbol) => peek(symbol) && ++at > 0;
  const expect = (symbol) => {
    if (!take(symbol)) throw new Error(`Expected ${symbol} at token ${at} of ${text}`);
  };
  const list = (end) => {
    const items = [];
    while (!peek(end)) {
      items.push(or());
      if (!take(',')) break;
    }
    expect(end);
    return items;
  };
  const joined = (symbol, next) => {
    const parts = [];
    do {
      const part = next();
      if (part[0] === symbol) parts.push(...part.slice(1));
      else parts.push(part);
    } while (take(symbol));
    return parts.length === 1 ? parts[0] : [symbol, ...parts];
  };
  const or = () => joined('||', and);
  const and = () => joined('&&', relation);
  const relation = () => {
    const left = sum();
    const symbol = ['==', '!=', '<=', '>=', '<', '>', 'in'].find(take);
    if (!symbol) return left;
    const right = sum();
    return left[0] === 'call' && symbol === '>' && right[0] === 'literal' ? ['>=', left, ['literal', right[1] + 1]] : [symbol, left, right];
  };
  const sum = () => {
    let left = unary();
    for (let symbol; (symbol = ['-', '+'].find(take));) left = [symbol, left, unary()];
    return left;
  };
  const unary = () => {
    if (take('!')) return ['!', unary()];
    if (!take('-')) return member();
    const [, value] = member();
    return ['literal', -value];
  };
  const member = () => {
    let target = primary();
    for (;;) {
      if (take('.')) {
        const name = tokens[at++].symbol;
        target = take('(') ? ['call', name, target, ...list(')')] : ['member', target, name];
      } else if (take('[')) {
        target = ['member', target, or()[1]];
        expect(']');
      } else return target;
    }
  };
  const primary = () => {
    const { literal, symbol } = tokens[at++];
    if (literal !== undefined) return ['literal', literal];
    if (symbol === '(') {
      const inner = or();
      expect(')');
      return inner;
    }
    if (symbol === '[') return ['list', ...list(']')];
    if (symbol === 'true' || symbol === 'false') return ['literal', symbol === 'true'];
    return take('(') ? ['call', symbol, ...list(')')] : ['name', symbol];
  };
  const meaning = or();
  if (at !== tokens.length) throw new Error(`Not read to its end: ${text}`);
  return meaning;
}
