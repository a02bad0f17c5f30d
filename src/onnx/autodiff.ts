// Gradients for an engine that has a differentiation of its own: one node that says what is to be differentiated by what.
import type { GraphBuilder } from './builder';
import type { DifferentiateOptions } from './differentiate';
import { Expressions } from './expressions';
import type { Value } from './operator';

/** The domain of the operator Gradient: inputs a scalar y, then x…; outputs ∂y/∂x…, zeros where y does not depend on x. */
export const AUTODIFF = 'labelscope.autodiff';

/** As `differentiate`: y = Σ seed · value, differentiated where the graph runs. */
export function differentiateByEngine(builder: GraphBuilder, { nodes, seeds, wrt }: DifferentiateOptions): Map<string, Value> {
  const m = new Expressions(builder);
  const values = new Map(nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).map((value) => [value?.name, value]));
  const terms = [...seeds].map(([name, seed]) => {
    const product = m.mul(values.get(name)!, seed);
    return m.sum(product, [...product.dims.keys()], false);
  });
  const y = terms.reduce((sum, term) => m.add(sum, term));
  const results = builder.ops('Gradient', [y, ...wrt], {}, { domain: AUTODIFF, outputs: wrt.length });
  return new Map(wrt.map(({ name }, index) => [name, results[index]!]));
}
