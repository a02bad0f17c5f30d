// Reverse-mode differentiation: one walk back over the nodes, each turned into gradient nodes by its entry in the table.
import { differentiateByEngine } from './autodiff';
import type { GraphBuilder, RecordedNode } from './builder';
import { Expressions } from './expressions';
import { gradientRules } from './gradients/table';
import { Operator, type Value } from './operator';
import { isFloat } from './tensors';

export interface DifferentiateOptions {
  /** The forward nodes, in order. */
  readonly nodes: readonly RecordedNode[];
  /** The gradient of the result with respect to values that it is made of, by their names. */
  readonly seeds: ReadonlyMap<string, Value>;
  readonly wrt: readonly Value[];
}

/**
 * The gradient of Σ seed · value with respect to each value of `wrt`, by its name: same type and dimensions; zeros where
 * no seed depends on it. Only nodes on a path from `wrt` to a seed are looked at; integers and truth values end a path.
 * Where the engine that runs the graph differentiates itself, the graph says no more than what.
 *
 * @throws OnnxError onnx-no-gradient where an operator on such a path has no rule or none for the input that it goes through
 */
export function differentiate(builder: GraphBuilder, options: DifferentiateOptions): Map<string, Value> {
  if (builder.target === 'autodiff') return differentiateByEngine(builder, options);
  const { nodes, seeds, wrt } = options;
  builder.allForward();
  const path = pathFrom(nodes, wrt);
  const gradients = new Map(seeds);
  for (const { node, inputs, outputs } of path.nodes.reverse()) {
    if (!outputs.some((output) => output && gradients.has(output.name))) continue;
    builder.within(`${node.name}/gradient`, () => {
      const results = applyRule(builder, { node, inputs, outputs }, gradients);
      for (const [index, input] of inputs.entries()) {
        if (!input || !path.values.has(input.name)) continue;
        accumulate(builder, gradients, input, results[index] ?? missing(node, inputs, index));
      }
    });
  }
  return new Map(wrt.map((value) => [value.name, gradients.get(value.name) ?? new Expressions(builder).filled(0, value)]));
}

/** Nodes, and floating-point values, that depend on one of `wrt`. */
function pathFrom(nodes: readonly RecordedNode[], wrt: readonly Value[]): { nodes: RecordedNode[]; values: Set<string> } {
  const values = new Set(wrt.map((value) => value.name));
  const dependent = nodes.filter(({ inputs, outputs }) => {
    if (!inputs.some((input) => input && values.has(input.name))) return false;
    for (const output of outputs) if (output && isFloat(output.type)) values.add(output.name);
    return true;
  });
  return { nodes: dependent, values };
}

/** Operators that pass back the gradients of all their outputs; the others do so for the first alone. */
const MANY_OUTPUTS = new Set(['Split']);

function applyRule(builder: GraphBuilder, { node, inputs, outputs }: RecordedNode, gradients: Map<string, Value>) {
  const op = new Operator(node, inputs, 'onnx-no-gradient');
  const rules = gradientRules(node.domain);
  const rule = Object.hasOwn(rules, node.type) ? rules[node.type] : undefined;
  if (!rule) return op.fail('there is no gradient through this operator: freeze the layers up to it or choose another network');
  const upstream = outputs.map((output) => output && gradients.get(output.name));
  const firstAlone = upstream[0] !== undefined && !upstream.slice(1).some(Boolean);
  if (!firstAlone && !MANY_OUTPUTS.has(node.type)) op.fail('only its first output has a gradient');
  if (outputs[0]?.type === 'float16') op.fail('there are no gradients in float16: convert the model to float32');
  const values = { inputs: inputs as Value[], outputs: outputs as Value[], upstream, y: outputs[0]!, dy: upstream[0]! };
  const taken = (index: number) => {
    const { name } = inputs[index]!;
    const sum = gradients.get(name);
    gradients.delete(name);
    return sum;
  };
  return rule({ op, g: builder, m: new Expressions(builder), ...values, taken });
}

function accumulate(builder: GraphBuilder, gradients: Map<string, Value>, value: Value, gradient: Value): void {
  const sum = gradients.get(value.name);
  gradients.set(value.name, sum ? builder.op('Add', [sum, gradient]) : gradient);
}

function missing(node: RecordedNode['node'], inputs: RecordedNode['inputs'], index: number): never {
  return new Operator(node, inputs, 'onnx-no-gradient').fail(`there is no gradient with respect to its input ${index}`);
}
