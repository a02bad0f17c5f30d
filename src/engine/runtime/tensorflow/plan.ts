// A graph for inputs of certain sizes: its nodes with the types and dimensions of all values, shapes folded to numbers, and what is needed when.
import { AUTODIFF } from '../../../onnx/autodiff';
import { GraphBuilder, type RecordedNode, type Value } from '../../../onnx/builder';
import type { Model, Tensor } from '../../../onnx/model';
import { LabelscopeError } from '../../../protocol/errors';

export interface Plan {
  readonly inputs: readonly Value[];
  /** What the graph gives out, by the names that it gives them. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Done first; where the graph differentiates, only what the differentiated values are made of. */
  readonly before: readonly RecordedNode[];
  readonly gradient?: GradientPlan;
}

interface GradientPlan {
  readonly node: RecordedNode;
  /** From the differentiated values to the one that is differentiated, and everything else in front of it. */
  readonly through: readonly RecordedNode[];
  readonly after: readonly RecordedNode[];
}

/** @param feeds the tensors, or what has their dimensions, of all inputs; @param wanted outputs */
function planOf(
  { graph, opsets }: Model,
  feeds: ReadonlyMap<string, { readonly dims: readonly number[] }>,
  wanted: readonly string[],
): Plan {
  const builder = new GraphBuilder(opsets[''] ?? 0, 'autodiff');
  const open = graph.inputs.filter(({ name }) => feeds.has(name) || !graph.initializers.has(name));
  const inputs = open.map(({ name, type }) => builder.input(name, type, feeds.get(name)!.dims));
  const values = builder.append(graph, new Map(inputs.map((value) => [value.name, value])));
  const outputs = new Map(wanted.map((name) => [name, values.get(name) ?? unknown(name)]));
  const nodes = needed(builder.nodes, [...outputs.values()]);
  return { inputs, outputs, ...parts(nodes) };
}

function unknown(name: string): never {
  throw new LabelscopeError('runtime-failed', `The graph has no value '${name}'.`);
}

function parts(nodes: readonly RecordedNode[]): Pick<Plan, 'before' | 'gradient'> {
  const at = nodes.findIndex(({ node }) => node.domain === AUTODIFF);
  const node = nodes[at];
  if (!node) return { before: nodes };
  const forward = nodes.slice(0, at);
  const before = new Set(needed(forward, node.inputs.slice(1)));
  return {
    before: [...before],
    gradient: { node, through: forward.filter((one) => !before.has(one)), after: nodes.slice(at + 1) },
  };
}

/** The nodes that the values are made by, in order. */
function needed(nodes: readonly RecordedNode[], values: readonly (Value | undefined)[]): RecordedNode[] {
  const names = new Set(values.map((value) => value?.name));
  const found: RecordedNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => output && names.has(output.name))) continue;
    found.push(node);
    for (const input of node.inputs) if (input) names.add(input.name);
  }
  return found.reverse();
}

/** How often each value is read. */
export function readsOf({ before, gradient, outputs }: Plan): Map<string, number> {
  const nodes = [...before, ...(gradient ? [...gradient.through, gradient.node, ...gradient.after] : [])];
  const reads = new Map<string, number>();
  const values = [...nodes.flatMap(({ inputs }) => inputs), ...outputs.values()];
  for (const value of values) if (value) reads.set(value.name, (reads.get(value.name) ?? 0) + 1);
  return reads;
}

/** The plan for these dimensions, made once. */
export function planner(
  model: Model,
): (feeds: ReadonlyMap<string, Tensor | { dims: readonly number[] }>, wanted: readonly string[]) => Plan {
  const plans = new Map<string, Plan>();
  return (feeds, wanted) => {
    const key = JSON.stringify([[...feeds].map(([name, { dims }]) => [name, dims]), wanted]);
    const plan = plans.get(key) ?? planOf(model, feeds, wanted);
    plans.set(key, plan);
    return plan;
  };
}
