// Builds a formula such as `0.5*X*(1+Erf(X/sqrt(2)))` as a graph: numbers, inputs, + - * /, sqrt of a number, and operators by name.
import type { GraphBuilder, Value } from '../../../src/onnx/builder';

const SIGNS: Readonly<Record<string, string>> = { '+': 'Add', '-': 'Sub', '*': 'Mul', '/': 'Div' };

export function buildExpression(builder: GraphBuilder, formula: string, inputs: Readonly<Record<string, Value>>): Value {
  const tokens = formula.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|\S/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => (tokens[at] === token ? (at++, true) : false);
  const chain = (next: () => Value, signs: readonly string[]): Value => {
    let left = next();
    while (signs.includes(tokens[at] ?? '')) left = builder.op(SIGNS[tokens[at++]!]!, [left, next()]);
    return left;
  };
  const sum = (): Value => chain(() => chain(atom, ['*', '/']), ['+', '-']);
  const atom = (): Value => {
    const token = tokens[at++] ?? '';
    if (token === '(') return closed(sum());
    if (/^\d/.test(token)) return builder.scalar(Number(token));
    if (!take('(')) return inputs[token] ?? fail(formula, token);
    const operands = [sum()];
    while (take(',')) operands.push(sum());
    return closed(builder.op(token === 'sqrt' ? 'Sqrt' : token, operands));
  };
  const closed = (value: Value): Value => (take(')') ? value : fail(formula, tokens[at]));
  const value = sum();
  return at === tokens.length ? value : fail(formula, tokens[at]);
}

function fail(formula: string, token: string | undefined): never {
  throw new Error(`Cannot read '${token ?? 'the end'}' in the formula ${formula}`);
}
