// What every gradient rule is made of.
import type { GraphBuilder } from '../builder';
import type { Expressions } from '../expressions';
import type { Operator, Value } from '../operator';

export interface GradientContext {
  readonly op: Operator;
  readonly g: GraphBuilder;
  readonly m: Expressions;
  /** The node's inputs. An optional one that is left out reads as undefined. */
  readonly inputs: readonly Value[];
  /** The node's outputs. */
  readonly outputs: readonly Value[];
  /** The gradient with respect to each output; undefined where it leads to no seed. */
  readonly upstream: readonly (Value | undefined)[];
  /** The first output and its gradient. */
  readonly y: Value;
  readonly dy: Value;
  /**
   * What later nodes gave as the gradient with respect to an input, for a rule that can add it on its way: it is part of nothing else
   * from then on, so the rule must answer the sum.
   */
  readonly taken: (index: number) => Value | undefined;
}

/**
 * The gradient with respect to each input, in order; undefined where the operator has none for it. A rule may give
 * more than is asked for: what no output of the graph needs is not built.
 */
export type GradientRule = (context: GradientContext) => readonly (Value | undefined)[];

/** dx = dy · derivative(x, y), element by element. */
export function elementwise(derivative: (m: Expressions, x: Value, y: Value, op: Operator) => Value | number): GradientRule {
  return ({ op, m, inputs: [x], y, dy }) => [m.mul(dy, derivative(m, x!, y, op))];
}

/**
 * Shares dy out among candidates for an extremum, given how far each lies from it: of those at distance 0 the first takes
 * all, so that the gradient is counted once.
 */
export function toFirst(m: Expressions, dy: Value, distances: readonly Value[]): Value[] {
  let rest = dy;
  return distances.map((distance, index) => {
    const taken = m.mul(rest, m.isZero(distance));
    if (index < distances.length - 1) rest = m.sub(rest, taken);
    return taken;
  });
}

/** A matrix of zeros with a 1 in each column: row `positions[column]`. Columns whose position is outside stay empty. */
export function selection(rows: number, positions: readonly number[]): number[][] {
  return Array.from({ length: rows }, (_, row) => positions.map((position) => Number(position === row)));
}
