// Builds a graph whose every value has a known element type and static dimensions, inferred as each node is added.
import { type AttributeInput, toAttributes } from './attributes';
import { foldConstant } from './fold';
import { lower } from './lowering';
import { type DataType, elementCount, type Graph, type Node, OnnxError, type Tensor, type ValueInfo } from './model';
import { Operator, type Value } from './operator';
import { inferTypes } from './shapes/table';
import { filled, type NumericType, tensorOf } from './tensors';

export type { Value } from './operator';

/** A node as it was added; an absent optional input or output is undefined. */
export interface RecordedNode {
  readonly node: Node;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly (Value | undefined)[];
}

export interface NodeOptions {
  /** Names the node and its first output. */
  readonly name?: string;
  readonly domain?: string;
  /** Number of outputs; 1 if left out. */
  readonly outputs?: number;
}

type Inputs = readonly (Value | undefined)[];
type AttributeInputs = Readonly<Record<string, AttributeInput>>;

/**
 * What runs the graph. An operator that fails or errs on ONNX Runtime's GPU providers is made of others there; an engine with a
 * differentiation of its own is told what to differentiate (autodiff.ts), and gets every operator whole.
 */
export type Target = 'cpu' | 'gpu' | 'autodiff';

/** Before operator set 13, axes and shapes were attributes in places that the rules of this room do not read. */
const OLDEST_OPSET = 13;

/** Equal constants of at most this many elements are one initializer. */
const SHARED_ELEMENTS = 256;

export class GraphBuilder {
  private readonly recorded: RecordedNode[] = [];
  /** Runs of nodes that are differentiated as one, in order: from the first index up to, but without, the second. */
  private readonly unions: { readonly from: number; readonly to: number; readonly one: RecordedNode }[] = [];
  private readonly inputs: Value[] = [];
  private readonly outputs: Value[] = [];
  private readonly constants = new Map<string | Tensor, Value>();
  private readonly made = new Map<string, Value[]>();
  /** What was made within a union: a node outside that took it would have no gradient on its way there. */
  private readonly madeInside = new Map<string, Value[]>();
  /** Whether they are found: only within one. */
  private seesInside = false;
  private readonly valueNames = new Map<string, number>();
  private readonly nodeNames = new Map<string, number>();
  /** Names that change places in `build`, so that an output can have a name that an inner value already has. */
  private readonly swaps = new Map<string, string>();
  private scope = '';

  /**
   * @param block channels in a block of the processor's blocked layout (see nchwc.ts); undefined = it is not used
   * @throws OnnxError onnx-unsupported for an operator set before 13
   */
  constructor(
    readonly opset = 20,
    readonly target: Target = 'cpu',
    readonly block?: number,
  ) {
    if (opset < OLDEST_OPSET) {
      throw new OnnxError(
        'onnx-unsupported',
        `The model uses operator set ${opset}; at least ${OLDEST_OPSET} is needed. Export it again with a newer one.`,
      );
    }
  }

  /** Every node so far, in order, as gradients are taken through them: those that were added `asOne` are that one. */
  get nodes(): readonly RecordedNode[] {
    const nodes: RecordedNode[] = [];
    let from = 0;
    for (const { from: first, to, one } of this.unions) {
      nodes.push(...this.recorded.slice(from, first), one);
      from = to;
    }
    return [...nodes, ...this.recorded.slice(from)];
  }

  /**
   * Adds what `build` adds, to be differentiated as the node that it answers. That node never becomes part of the graph: it
   * stands for what has a simpler gradient as a whole than node by node. Not to be nested.
   * @returns its first output
   */
  asOne(build: () => RecordedNode): Value {
    const from = this.recorded.length;
    this.seesInside = true;
    const one = build();
    this.seesInside = false;
    this.unions.push({ from, to: this.recorded.length, one });
    return one.outputs[0]!;
  }

  /** From here on nothing is added that will be differentiated: equal nodes are taken wherever they are. */
  allForward(): void {
    for (const [key, values] of this.madeInside) if (!this.made.has(key)) this.made.set(key, values);
  }

  input(name: string, type: DataType, dims: readonly number[]): Value {
    const value = { name: this.claim(name), type, dims };
    this.inputs.push(value);
    return value;
  }

  constant(tensor: Tensor, name = 'constant'): Value {
    return this.shared(tensor, () => this.unique(name));
  }

  scalar(x: number, type: NumericType = 'float32'): Value {
    return this.constant(filled(type, x, []), `${type === 'float32' ? '' : `${type}/`}${x}`);
  }

  ints(xs: readonly number[]): Value {
    return this.constant(tensorOf('int64', xs), `ints/${xs.length > 8 ? 'list' : xs.join('_')}`);
  }

  /**
   * Adds a node and returns its first output. A plain number as an attribute is a float where ONNX declares one.
   * The same node on the same inputs is added once.
   * @throws OnnxError onnx-shape where the operator is unknown or its inputs do not fit
   */
  op(type: string, inputs: Inputs, attributes: AttributeInputs = {}, options: NodeOptions = {}): Value {
    return this.ops(type, inputs, attributes, options)[0]!;
  }

  /** As `op`, with every output. */
  ops(
    type: string,
    inputs: Inputs,
    attributes: AttributeInputs = {},
    { name, domain = '', outputs = 1 }: NodeOptions = {},
  ): Value[] {
    const key = JSON.stringify([type, domain, inputs.map((input) => input?.name), attributes, outputs], bigintAsText);
    const known = this.made.get(key) ?? (this.seesInside ? this.madeInside.get(key) : undefined);
    if (known && name === undefined) return known;
    const label = this.unique(name ?? this.scope + type);
    const names = Array.from({ length: outputs }, (_, index) => (index === 0 ? label : this.unique(`${label}.${index}`)));
    const node: Node = {
      name: label,
      type,
      domain,
      inputs: namesOf(inputs),
      outputs: names,
      attributes: toAttributes(attributes),
    };
    const values = this.record(node, inputs) as Value[];
    (this.seesInside ? this.madeInside : this.made).set(key, values);
    return values;
  }

  /**
   * Adds the nodes of a forward graph. `bindings` gives values for its inputs and, where parameters are to be inputs of the
   * new graph, for initializers; the other initializers become constants. Names are kept unless they are taken.
   * @returns every value of the graph by its name there
   */
  append(graph: Graph, bindings: ReadonlyMap<string, Value>): Map<string, Value> {
    const values = new Map(bindings);
    for (const [name, tensor] of graph.initializers) {
      if (!values.has(name)) values.set(name, this.constant(tensor, name));
    }
    for (const node of graph.nodes) {
      const inputs = node.inputs.map((name) => (name === '' ? undefined : (values.get(name) ?? unbound(graph, name))));
      for (const [index, result] of this.place(node, inputs).entries()) {
        if (result) values.set(node.outputs[index]!, result);
      }
    }
    return values;
  }

  /** Adds a node of another graph on values of this one, and answers its outputs. Names are kept unless they are taken. */
  place(node: Node, inputs: Inputs): readonly (Value | undefined)[] {
    const outputs = node.outputs.map((name) => name && this.unique(name));
    const domain = node.domain === 'ai.onnx' ? '' : node.domain;
    const label = node.name || node.outputs.find(Boolean)!;
    return this.record({ ...node, name: label, domain, inputs: namesOf(inputs), outputs }, inputs);
  }

  /** A second output of the node that made `first`, of an operator that gives one only where it is asked for. */
  second(first: Value): Value {
    const at = this.recorded.findIndex(({ outputs: [output] }) => output === first);
    const { node, inputs, outputs } = this.recorded[at]!;
    if (outputs[1]) return outputs[1];
    const longer = { ...node, outputs: [first.name, this.unique(`${first.name}.1`)] };
    const op = new Operator(longer, inputs, 'onnx-shape');
    const second = { name: longer.outputs[1]!, ...(inferTypes(op)[1] ?? op.fail('it has no output 1')) };
    this.recorded[at] = { node: longer, inputs, outputs: [first, second] };
    return second;
  }

  /** Runs `build` with `prefix` in front of the names of the nodes that it adds. */
  within<T>(prefix: string, build: () => T): T {
    const outer = this.scope;
    this.scope = `${prefix}/`;
    try {
      return build();
    } finally {
      this.scope = outer;
    }
  }

  /** Makes `value` an output of the graph with exactly this name: a value that a node makes is renamed, others are copied. */
  output(value: Value, name: string): void {
    const renamed = this.rename(value, name) ? value : this.copy(value, name);
    this.outputs.push(renamed);
  }

  /** The graph with what its outputs need and nothing else; every input stays. */
  build(name: string): Graph {
    const needed = new Set(this.outputs.map((output) => output.name));
    const live: RecordedNode[] = [];
    for (const entry of [...this.recorded].reverse()) {
      if (!entry.outputs.some((output) => output && needed.has(output.name))) continue;
      live.push(entry);
      for (const input of entry.inputs) if (input) needed.add(input.name);
    }
    const rename = (value: string): string => this.swaps.get(value) ?? value;
    const info = (value: Value): ValueInfo => ({ name: rename(value.name), type: value.type, dims: value.dims });
    const constants = [...this.constants.values()].filter((value) => needed.has(value.name));
    return {
      name,
      nodes: live.reverse().map(({ node }) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) })),
      inputs: this.inputs.map(info),
      outputs: this.outputs.map(info),
      initializers: new Map(constants.map((value) => [rename(value.name), value.constant!])),
    };
  }

  private record(node: Node, inputs: Inputs): (Value | undefined)[] {
    const op = new Operator(node, inputs, 'onnx-shape');
    const replaced = lower(this, op);
    if (replaced) return replaced;
    const types = inferTypes(op);
    const folded = node.outputs.length === 1 ? foldConstant(op, types[0]!) : undefined;
    if (folded) return [this.shared(folded, () => node.outputs[0]!)];
    const outputs = node.outputs.map((name, index) =>
      name === '' ? undefined : { name, ...(types[index] ?? op.fail(`it has no output ${index}`)) },
    );
    this.recorded.push({ node: { ...node, name: untaken(node.name, this.nodeNames) }, inputs, outputs });
    return outputs;
  }

  private shared(tensor: Tensor, name: () => string): Value {
    const key =
      elementCount(tensor.dims) <= SHARED_ELEMENTS ? `${tensor.type} ${tensor.dims.join('x')} ${tensor.data.join()}` : tensor;
    const value = this.constants.get(key) ?? { name: name(), type: tensor.type, dims: tensor.dims, constant: tensor };
    this.constants.set(key, value);
    return value;
  }

  /** A unique name that `build` turns into exactly `name`. */
  private claim(name: string): string {
    const inner = this.unique(name);
    if (inner !== name) this.swaps.set(inner, name).set(name, inner);
    return inner;
  }

  /** False where the value's name is not free to change. */
  private rename(value: Value, name: string): boolean {
    const made = this.recorded.some(({ outputs }) => outputs.includes(value));
    if (!made || this.outputs.includes(value) || this.swaps.has(value.name) || this.swaps.has(name)) return false;
    if (value.name !== name) this.swaps.set(value.name, name).set(name, value.name);
    this.valueNames.set(name, this.valueNames.get(name) ?? 1);
    return true;
  }

  private copy(value: Value, name: string): Value {
    const copy = { name: this.claim(name), type: value.type, dims: value.dims };
    const node = {
      name: untaken(copy.name, this.nodeNames),
      type: 'Identity',
      domain: '',
      inputs: [value.name],
      outputs: [copy.name],
      attributes: {},
    };
    this.recorded.push({ node, inputs: [value], outputs: [copy] });
    return copy;
  }

  private unique(name: string): string {
    return untaken(name, this.valueNames);
  }
}

/** `name`, or `name_1` and so on where it is taken; it is taken from then on. */
function untaken(name: string, taken: Map<string, number>): string {
  const count = taken.get(name) ?? 0;
  taken.set(name, count + 1);
  return count === 0 ? name : untaken(`${name}_${count}`, taken);
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function namesOf(values: Inputs): string[] {
  return values.map((value) => value?.name ?? '');
}

function unbound(graph: Graph, name: string): never {
  throw new OnnxError('onnx-shape', `The value '${name}' of graph '${graph.name}' was given no shape.`);
}
