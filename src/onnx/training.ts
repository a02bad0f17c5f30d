// From a classifier to one graph that does a whole training step: forward, loss, gradients, update of every parameter.
import { AUTODIFF } from './autodiff';
import { appendBlocked } from './blocked';
import { GraphBuilder, type Target, type Value } from './builder';
import { foldInBunches, inBunches, joined, parted } from './bunches';
import { type Classifier, HEAD_BIAS, HEAD_WEIGHT, LOGITS } from './classifier';
import { differentiate } from './differentiate';
import { multilabelLoss, type Objective } from './loss';
import { type Graph, type Model, type Node, OnnxError, type Tensor } from './model';
import { Blocked, NCHWC } from './nchwc';
import { foldFrozenNorm, NEXT, runningStatistics, withBatchStatistics } from './normalization';
import { foldPads } from './pads';
import { learns, type Parameter, parametersOf } from './parameters';

export interface StepOptions {
  readonly batchSize: number;
  /** Which parameters learn: all, those at the last stage's resolution and after, or the head's. */
  readonly layers: 'all' | 'last-stages' | 'head';
  readonly batchNorm: 'batch' | 'frozen';
  /** Share of the old running statistics that is kept; undefined = as the network says. */
  readonly batchNormMomentum: number | undefined;
  readonly momentum: number;
  readonly l2: number;
  readonly l2On: 'weights' | 'weights-and-norm';
  readonly headLearnRateFactor: number;
  /** Binary cross-entropy where it is not given. */
  readonly objective?: Objective;
  /** Whether the parameters' averages over the steps are part of the state. */
  readonly averaged?: boolean;
}

/**
 * A step is a model with the inputs image (or features), `labels` (N×C, 0 or 1), `learnRate` (scalar) and the state,
 * where they are averaged `averageDecay` (scalar: what is kept of the old averages), and the outputs `loss` (scalar: mean over images of the sum over categories, before the update) and `next/<state>`.
 */
export interface TrainingStep {
  readonly model: Model;
  /** The state before the first step by name: parameters, `momentum/<parameter>` (zeros), running statistics, `average/<parameter>`. */
  readonly state: Readonly<Record<string, Tensor>>;
}

export const LABELS = 'labels';
export const LEARN_RATE = 'learnRate';
export const LOSS = 'loss';
export const AVERAGE_DECAY = 'averageDecay';
const MOMENTUM = 'momentum/';
const AVERAGE = 'average/';

/**
 * SGD with momentum in MATLAB's form: v ← momentum·v − rate·(gradient + l2·w), w ← w + v (trainingOptions, 'sgdm'),
 * where the head's rate is `headLearnRateFactor` times the others'.
 *
 * @param target which kind of provider will run the graph: some operators are spelled otherwise for GPUs
 * @param block channels in a block of this processor's blocked layout: convolutions are lowered to it
 */
export function buildTrainingStep(
  classifier: Classifier,
  options: StepOptions,
  target: Target = 'cpu',
  block?: number,
): TrainingStep {
  const graph = normalised(classifier.graph, options, target);
  const learning = learningParameters(classifier, options);
  const statistics = options.batchNorm === 'batch' ? runningStatistics(graph) : [];
  const builder = new GraphBuilder(classifier.opset, target, block);
  const forward = appendForward(builder, graph, options.batchSize, [...learning.map(({ name }) => name), ...statistics]);
  const labels = builder.input(LABELS, 'float32', forward.get(LOGITS)!.dims);
  const learnRate = builder.input(LEARN_RATE, 'float32', []);
  const loss = multilabelLoss(builder, forward.get(LOGITS)!, labels, options.objective);
  // Seeded with −rate instead of 1, the gradients come out as the steps to take: one pass over the weights less.
  const descent = builder.op('Neg', [learnRate]);
  const weights = learning.map(({ name }) => forward.get(name)!);
  const steps = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[loss.name, descent]]), wrt: weights });
  builder.output(loss, LOSS);
  const keep = options.averaged ? builder.input(AVERAGE_DECAY, 'float32', []) : undefined;
  for (const group of updatedTogether(learning, options, target)) {
    const values = group.map(({ name }) => forward.get(name)!);
    const next = update(
      builder,
      group,
      values,
      group.map(({ name }) => steps.get(name)!),
      descent,
      options,
    );
    if (keep) average(builder, group, next, keep);
  }
  for (const name of statistics) builder.output(forward.get(NEXT + name)!, NEXT + name);
  return { model: toModel(builder, 'training-step'), state: initialState(graph, learning, statistics, options.averaged) };
}

/** The same network for evaluation with the state of a training step as inputs: image (or features) → logits. */
export function buildEvaluation(classifier: Classifier, state: readonly string[]): Model {
  const graph = withAverages(foldFrozenNorm(classifier.graph), state);
  const given = state.filter((name) => graph.initializers.has(name));
  const inputs = given.map((name) => ({ name, type: 'float32' as const, dims: graph.initializers.get(name)!.dims }));
  const initializers = new Map([...graph.initializers].filter(([name]) => !given.includes(name)));
  return wrap({ ...graph, inputs: [...graph.inputs, ...inputs], initializers }, classifier.opset);
}

/** Reads the averages instead of the parameters where the state has them. */
function withAverages(graph: Graph, state: readonly string[]): Graph {
  const known = new Set(state);
  const renamed = (name: string): string => (known.has(AVERAGE + name) ? AVERAGE + name : name);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [renamed(name), tensor])),
  };
}

/** What the classifier's initializers become after training: averages where there are some, else the last values. */
export function trainedTensors(state: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const kept = Object.entries(state).filter(([name]) => !name.startsWith(MOMENTUM) && !name.startsWith(AVERAGE));
  return Object.fromEntries(kept.map(([name, tensor]) => [name, state[AVERAGE + name] ?? tensor]));
}

function normalised(graph: Graph, options: StepOptions, target: Target): Graph {
  const tight = foldPads(graph);
  if (options.batchNorm === 'batch') return withBatchStatistics(tight, options.batchNormMomentum);
  return target === 'gpu' ? foldInBunches(tight) : foldFrozenNorm(tight);
}

/** Adds the forward graph at a fixed batch size; `state` names the initializers that become inputs. */
function appendForward(builder: GraphBuilder, graph: Graph, batchSize: number, state: readonly string[]): Map<string, Value> {
  const bindings = new Map<string, Value>();
  for (const { name, type, dims } of graph.inputs) {
    const fixed = (dims ?? []).map((dim, axis) => (axis === 0 ? batchSize : Number(dim)));
    bindings.set(name, builder.input(name, type, fixed));
  }
  for (const name of state) bindings.set(name, builder.input(name, 'float32', graph.initializers.get(name)!.dims));
  return builder.block === undefined ? builder.append(graph, bindings) : appendBlocked(builder, graph, bindings);
}

/** On a GPU vectors that learn alike are updated several at once; every other parameter by itself. */
function updatedTogether(learning: readonly Parameter[], options: StepOptions, target: Target): (readonly Parameter[])[] {
  const isSmall = ({ tensor }: Parameter) => target === 'gpu' && tensor.dims.length === 1;
  const kindOf = (parameter: Parameter) => `${isHead(parameter)} ${decays(parameter, options.l2On)}`;
  const small = learning.filter(isSmall);
  const kinds = [...new Set(small.map(kindOf))].map((kind) => small.filter((one) => kindOf(one) === kind));
  return [...learning.filter((one) => !isSmall(one)).map((one) => [one]), ...kinds.flatMap(inBunches)];
}

/** Of parameters that learn alike. Answers their next values, joined. */
function update(
  builder: GraphBuilder,
  group: readonly Parameter[],
  weights: readonly Value[],
  gradientSteps: readonly Value[],
  descent: Value,
  options: StepOptions,
): Value {
  const factor = isHead(group[0]!) ? options.headLearnRateFactor : 1;
  const velocities = group.map(({ name }, k) => builder.input(MOMENTUM + name, 'float32', weights[k]!.dims));
  const weight = joined(builder, weights);
  const gradientStep = joined(builder, gradientSteps);
  const step = factor === 1 ? gradientStep : builder.op('Mul', [gradientStep, ofRank(builder, weight, factor)]);
  const hasDecay = options.l2 !== 0 && decays(group[0]!, options.l2On);
  const driven = hasDecay
    ? decayed(builder, weight, step, builder.op('Mul', [descent, builder.scalar(options.l2 * factor)]))
    : step;
  const kept = builder.op('Mul', [joined(builder, velocities), ofRank(builder, weight, options.momentum)]);
  const next = builder.op('Add', [kept, driven]);
  const moved = builder.op('Add', [weight, next]);
  output(builder, next, velocities);
  output(builder, moved, group, weights);
  return moved;
}

/** Makes the parts of a joined value the next values of the state tensors of these names. */
function output(builder: GraphBuilder, value: Value, named: readonly { name: string }[], like = named as readonly Value[]): void {
  for (const [k, part] of parted(builder, value, like).entries()) builder.output(part, NEXT + named[k]!.name);
}

/** average ← keep·average + (1 − keep)·w, after the step. */
function average(builder: GraphBuilder, group: readonly Parameter[], weight: Value, keep: Value): void {
  const averages = group.map(({ name, tensor }) => builder.input(AVERAGE + name, 'float32', tensor.dims));
  const share = builder.op('Reshape', [keep, builder.ints(weight.dims.map(() => 1))]);
  const rest = builder.op('Sub', [ofRank(builder, weight, 1), share]);
  const next = builder.op('Add', [builder.op('Mul', [joined(builder, averages), share]), builder.op('Mul', [weight, rest])]);
  output(builder, next, averages);
}

/** step + rate · weight, in blocks where the graph has some. */
function decayed(builder: GraphBuilder, weight: Value, step: Value, rate: Value): Value {
  const blocked = builder.nodes.some(({ node }) => node.domain === NCHWC) ? new Blocked(builder) : undefined;
  if (blocked?.fits(weight)) return blocked.scaledSum(weight, rate, step);
  const alike = builder.op('Reshape', [rate, builder.ints(weight.dims.map(() => 1))]);
  return builder.op('Add', [step, builder.op('Mul', [weight, alike])]);
}

/**
 * A number with as many axes as the weight. The CPU provider multiplies a 2048×1024×1×1 weight by it in 3.5 ms, by a scalar
 * without axes in 16 to 18 ms.
 */
function ofRank(builder: GraphBuilder, weight: Value, value: number): Value {
  return builder.constant({ type: 'float32', dims: weight.dims.map(() => 1), data: Float32Array.of(value) }, String(value));
}

function isHead({ name }: Parameter): boolean {
  return name === HEAD_WEIGHT || name === HEAD_BIAS;
}

function decays({ role }: Parameter, on: StepOptions['l2On']): boolean {
  return role === 'weight' || (on === 'weights-and-norm' && (role === 'scale' || role === 'shift'));
}

function learningParameters(classifier: Classifier, { layers }: StepOptions): Parameter[] {
  const all = parametersOf(classifier.graph).filter(learns);
  if (layers === 'all') return all;
  const late = layers === 'last-stages' ? lastStageNodes(classifier) : new Set<Node>();
  return all.filter((parameter) => isHead(parameter) || late.has(parameter.node));
}

/** Nodes from the first on whose output has the last stage's height and width. */
function lastStageNodes({ graph, opset, stage = '' }: Classifier): Set<Node> {
  const values = appendForward(new GraphBuilder(opset), graph, 1, []);
  const size = (name = ''): string | undefined => {
    const { dims = [] } = values.get(name) ?? {};
    return dims.length === 4 ? dims.slice(2).join('×') : undefined;
  };
  const last = size(stage);
  if (last === undefined) {
    throw new OnnxError(
      'onnx-unsupported',
      "The layers 'last-stages' need a network that pools a convolutional stage in front of its head; this one does not. Train 'all' or the 'head'.",
    );
  }
  return new Set(graph.nodes.slice(graph.nodes.findIndex(({ outputs }) => size(outputs[0]) === last)));
}

function initialState(
  graph: Graph,
  learning: readonly Parameter[],
  statistics: readonly string[],
  averaged = false,
): Record<string, Tensor> {
  const parameters = learning.map(({ name, tensor }) => [name, tensor] as const);
  const velocities = learning.map(({ name, tensor }) => {
    const zeros: Tensor = { type: 'float32', dims: tensor.dims, data: new Float32Array(tensor.data.length) };
    return [MOMENTUM + name, zeros] as const;
  });
  const running = statistics.map((name) => [name, graph.initializers.get(name)!] as const);
  const averages = averaged ? learning.map(({ name, tensor }) => [AVERAGE + name, tensor] as const) : [];
  return Object.fromEntries([...parameters, ...velocities, ...running, ...averages]);
}

function toModel(builder: GraphBuilder, name: string): Model {
  const model = wrap(builder.build(name), builder.opset);
  const domain = builder.target === 'autodiff' ? AUTODIFF : builder.block === undefined ? undefined : NCHWC;
  return domain === undefined ? model : { ...model, opsets: { ...model.opsets, [domain]: 1 } };
}

function wrap(graph: Graph, opset: number): Model {
  return { irVersion: 10, opsets: { '': opset }, producer: 'labelscope', graph, metadata: {} };
}
