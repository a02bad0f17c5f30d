// A graph that is loaded: runs it node by node with TensorFlow.js, which differentiates where the graph says so, and frees each value after its last use.
import { AUTODIFF } from '../../../onnx/autodiff';
import type { RecordedNode, Value } from '../../../onnx/builder';
import type { Model, Tensor } from '../../../onnx/model';
import { Operator } from '../../../onnx/operator';
import { Call, type Held, inOrder, type Prepare } from './call';
import type { TensorFlow, TfTensor } from './module';
import { OPERATORS } from './operators/table';
import { type Plan, planner, readsOf } from './plan';
import { toTensorFlow } from './tensors';

export interface Session {
  /** Names of the graph's inputs that have no value of their own. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly differentiates: boolean;
  /**
   * The wanted outputs, with what the graph says of them, in memory that is the caller's to dispose of.
   *
   * @param feeds stay the caller's, unless they are `given`
   * @throws OnnxError where an operator is not supported or the dimensions do not fit
   */
  run(feeds: ReadonlyMap<string, TfTensor>, given: ReadonlySet<string>, wanted: readonly string[]): Map<string, Result>;
  release(): void;
}

interface Result {
  readonly tensor: TfTensor;
  readonly value: Value;
}

export function openSession(tf: TensorFlow, model: Model): Session {
  const { graph } = model;
  const constants = new Map<Tensor, TfTensor>();
  const prepared = new Map<string, TfTensor>();
  const plan = planner(model);
  const keeper: Keeper = {
    constant: (tensor) => kept(tf, constants, tensor, () => toTensorFlow(tf, tensor)),
    prepared:
      ({ inputs, node }) =>
      (index, what, make) =>
        inputs[index]?.constant ? kept(tf, prepared, `${node.name} ${index} ${what}`, make) : make(),
  };
  return {
    inputs: graph.inputs.map(({ name }) => name).filter((name) => !graph.initializers.has(name)),
    outputs: graph.outputs.map(({ name }) => name),
    differentiates: graph.nodes.some(({ domain }) => domain === AUTODIFF),
    run: (feeds, given, wanted) => {
      const dims = new Map([...feeds].map(([name, { shape }]) => [name, { dims: shape }]));
      const walk = new Walk(tf, plan(dims, wanted), keeper);
      let results = new Map<string, Result>();
      tf.tidy(() => {
        results = walk.run(feeds, given);
      });
      return results;
    },
    release: () => {
      for (const tensor of [...constants.values(), ...prepared.values()]) tensor.dispose();
      constants.clear();
      prepared.clear();
    },
  };
}

interface Keeper {
  readonly constant: (tensor: Tensor) => TfTensor;
  readonly prepared: (node: RecordedNode) => Prepare;
}

function kept<K>(tf: TensorFlow, known: Map<K, TfTensor>, key: K, make: () => TfTensor): TfTensor {
  const tensor = known.get(key) ?? tf.keep(make());
  known.set(key, tensor);
  return tensor;
}

/** One run. Values are counted by their readers, tensors by the values that they are: a reshaped or renamed one can be several. */
class Walk {
  private readonly values = new Map<string, Held>();
  private readonly owners = new Map<TfTensor, number>();
  private readonly reads: Map<string, number>;

  constructor(
    private readonly tf: TensorFlow,
    private readonly plan: Plan,
    private readonly keeper: Keeper,
  ) {
    this.reads = readsOf(plan);
  }

  run(feeds: ReadonlyMap<string, TfTensor>, given: ReadonlySet<string>): Map<string, Result> {
    try {
      return this.walk(feeds, given);
    } finally {
      // After an error there are some left.
      for (const tensor of this.owners.keys()) tensor.dispose();
    }
  }

  private walk(feeds: ReadonlyMap<string, TfTensor>, given: ReadonlySet<string>): Map<string, Result> {
    const { inputs, before, gradient, outputs } = this.plan;
    for (const { name } of inputs) this.hold(name, { tensor: feeds.get(name)!, last: false }, given.has(name));
    for (const node of before) this.step(node);
    if (gradient) {
      this.differentiate(gradient);
      for (const node of gradient.after) this.step(node);
    }
    // A copy that shares the memory: the same value can be several outputs, or an input.
    const results = [...outputs].map(([name, value]): [string, Result] => {
      const tensor = this.tf.keep(this.tf.tidy(() => this.tf.clone(inOrder(this.tf, this.valueOf(value)))));
      return [name, { tensor, value }];
    });
    for (const value of outputs.values()) this.read(value);
    return new Map(results);
  }

  private step(entry: RecordedNode): void {
    const { node, inputs, outputs } = entry;
    const op = new Operator(node, inputs, 'onnx-shape');
    const rule = node.domain === '' && Object.hasOwn(OPERATORS, node.type) ? OPERATORS[node.type] : undefined;
    let results: readonly Held[] = [];
    this.tf.tidy(() => {
      const values = inputs.map((input) => input && this.valueOf(input));
      const call = new Call(this.tf, op, values, outputs, this.keeper.prepared(entry));
      results = (rule ?? op.fail('TensorFlow.js does not compute this operator here: use the engine onnxruntime'))(call);
      return results.map(({ tensor }) => tensor);
    });
    for (const [index, output] of outputs.entries())
      if (output) this.hold(output.name, results[index] ?? op.fail(`it has no output ${index}`), true);
    for (const input of inputs) this.read(input);
    for (const output of outputs) if (output && !this.reads.has(output.name)) this.drop(output.name);
  }

  /** What is read later than the differentiated part is kept out of the way of TensorFlow.js, which clears up after it. */
  private differentiate({ node: { inputs, outputs }, through }: NonNullable<Plan['gradient']>): void {
    const { tf } = this;
    const [y, ...xs] = inputs as [Value, ...Value[]];
    for (const x of xs) this.putInOrder(x);
    const by = xs.map((x) => this.valueOf(x).tensor);
    const forward = () => {
      for (const entry of through) this.step(entry);
      for (const { tensor } of this.values.values()) if (this.owners.has(tensor)) tf.keep(tensor);
      return tf.clone(this.valueOf(y).tensor);
    };
    // The engine's own function, because the others refuse what the result does not depend on.
    const { grads, value } = tf.engine().gradients(forward, by, undefined, true);
    value.dispose();
    for (const [index, output] of outputs.entries()) {
      const gradient = (grads[index] as TfTensor | undefined) ?? tf.zerosLike(by[index]!);
      if (output) this.hold(output.name, { tensor: gradient, last: false }, true);
    }
    for (const input of inputs) this.read(input);
  }

  private putInOrder(value: Value): void {
    const held = this.valueOf(value);
    if (!held.last) return;
    const tensor = inOrder(this.tf, held);
    this.drop(value.name);
    this.hold(value.name, { tensor, last: false }, true);
  }

  private valueOf({ name, constant }: Value): Held {
    return this.values.get(name) ?? { tensor: this.keeper.constant(constant!), last: false };
  }

  private hold(name: string, held: Held, isOurs: boolean): void {
    const owners = this.owners.get(held.tensor);
    this.values.set(name, held);
    if (isOurs || owners !== undefined) this.owners.set(held.tensor, (owners ?? 0) + 1);
  }

  private read(value: Value | undefined): void {
    if (!value || value.constant) return;
    const left = this.reads.get(value.name)! - 1;
    this.reads.set(value.name, left);
    if (left === 0) this.drop(value.name);
  }

  private drop(name: string): void {
    const tensor = this.values.get(name)?.tensor;
    this.values.delete(name);
    const owners = tensor && this.owners.get(tensor);
    if (!tensor || owners === undefined) return;
    if (owners > 1) this.owners.set(tensor, owners - 1);
    else {
      this.owners.delete(tensor);
      tensor.dispose();
    }
  }
}
