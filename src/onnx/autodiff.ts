// Gradients for an engine that has a differentiation of its own: one node that says what is to be differentiated by what.
import type { GraphBuilder } from './builder';
import type { DifferentiateOptions } from './differentiate';
import { Expressions } from './expressions';
import type { Value } from './operator';

/** The domain of the operator Gradient: inputs a scalar y, then x…; outputs ∂y/∂x… . Its engine is engine/runtime/tensorflow. */
export const AUTODIFF = 'labelscope.autodiff';

/** As `differentiate`: y = Σ seed · value, differentiated where the graph runs. */
export function differentiateByEngine(builder: GraphBuilder, { nodes, seeds, wrt }: DifferentiateOptions): Map<string, Value> {
  const m = new Expressions(builder);
  const used = ancestors(nodes, [...seeds.keys()]);
  const reached = wrt.filter(({ name }) => used.has(name));
  const gradients = new Map<string, Value>(wrt.map((value) => [value.name, m.filled(0, value)]));
  if (reached.length === 0) return gradients;
  const values = new Map(nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).map((value) => [value?.name, value]));
  const terms = [...seeds].map(([name, seed]) => {
    const product = m.mul(values.get(name)!, seed);
    return m.sum(product, [...product.dims.keys()], false);
  });
  const y = terms.reduce((sum, term) => m.add(sum, term));
  const results = builder.ops('Gradient', [y, ...reached], {}, { domain: AUTODIFF, outputs: reached.length });
  for (const [index, { name }] of reached.entries()) gradients.set(name, results[index]!);
  return gradients;
}

/** Names of the values that those named are made of, and these themselves. */
function ancestors(nodes: DifferentiateOptions['nodes'], names: readonly string[]): Set<string> {
  const needed = new Set(names);
  for (const { inputs, outputs } of [...nodes].reverse()) {
    if (!outputs.some((output) => output && needed.has(output.name))) continue;
    for (const input of inputs) if (input) needed.add(input.name);
  }
  return needed;
}
