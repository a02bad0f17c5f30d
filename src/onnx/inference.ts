// The finished model file: raw pixels in, probabilities out, with the calibration in the graph, and categories, thresholds and provenance in
// its metadata.
import { type Classifier, HEAD_WEIGHT, IMAGE, LOGITS, PROBABILITIES } from './classifier';
import { type Graph, type Model, type Node, OnnxError, type Tensor } from './model';
import { extract, producers } from './subgraph';
import { tensorOf } from './tensors';

/** logit → scale × logit + shift, one of each a category. */
export interface LogitMap {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

export interface ModelCard {
  readonly categories: readonly string[];
  /** One a category: a score at or above it is a label. */
  readonly thresholds: readonly number[];
  /** What is done to the logits before the sigmoid; absent where nothing is. */
  readonly calibration?: LogitMap;
  /** Where the model comes from: recipe, data fingerprint, versions. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** The card of the same network as it was trained. */
export function withoutCalibration({ categories, thresholds, provenance }: ModelCard): ModelCard {
  return { categories, thresholds, provenance };
}

const CARD_KEYS = {
  categories: 'labelscope.categories',
  thresholds: 'labelscope.thresholds',
  provenance: 'labelscope.provenance',
} as const;
const FEATURES = 'labelscope.features';
const STAGE = 'labelscope.stage';

/** Values that a calibration adds between the logits and the sigmoid. */
const SCALE = 'calibration/scale';
const SHIFT = 'calibration/shift';
const SCALED = 'calibration/scaled';
const CALIBRATED = 'calibration/logits';

/** image (uint8, N×H×W×3, RGB) → probabilities (float32, N×C). The stage and features values keep their names in metadata. */
export function buildInferenceModel(classifier: Classifier, card: ModelCard): Model {
  const { nodes, initializers } = endOf(card.calibration);
  const outputs = [{ name: PROBABILITIES, type: 'float32' as const, dims: ['N', card.categories.length] }];
  const { graph } = classifier;
  return {
    irVersion: 10,
    opsets: { '': classifier.opset },
    producer: 'labelscope',
    graph: {
      ...graph,
      name: 'labelscope',
      nodes: [...graph.nodes, ...nodes],
      outputs,
      initializers: new Map([...graph.initializers, ...initializers]),
    },
    metadata: {
      [CARD_KEYS.categories]: JSON.stringify(card.categories),
      [CARD_KEYS.thresholds]: JSON.stringify(card.thresholds),
      [CARD_KEYS.provenance]: JSON.stringify(card.provenance),
      [FEATURES]: classifier.features,
      ...(classifier.stage !== undefined && { [STAGE]: classifier.stage }),
    },
  };
}

/** logits → probabilities */
function endOf(calibration: LogitMap | undefined): { nodes: Node[]; initializers: (readonly [string, Tensor])[] } {
  const make = (name: string, type: string, inputs: readonly string[], output: string): Node => ({
    name,
    type,
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  if (!calibration) return { nodes: [make('sigmoid', 'Sigmoid', [LOGITS], PROBABILITIES)], initializers: [] };
  const nodes = [
    make(SCALED, 'Mul', [LOGITS, SCALE], SCALED),
    make(CALIBRATED, 'Add', [SCALED, SHIFT], CALIBRATED),
    make('sigmoid', 'Sigmoid', [CALIBRATED], PROBABILITIES),
  ];
  const { scale, shift } = calibration;
  return {
    nodes,
    initializers: [
      [SCALE, tensorOf('float32', scale)],
      [SHIFT, tensorOf('float32', shift)],
    ],
  };
}

/**
 * Reads a model file of ours back. What its metadata say is checked against the graph: nothing of a file is trusted. The classifier's
 * logits are those of the network, whatever calibration follows them.
 *
 * @throws OnnxError 'onnx-unsupported' where it was not written by buildInferenceModel
 */
export function readInferenceModel(model: Model, source: string): { readonly classifier: Classifier; readonly card: ModelCard } {
  const card = cardOf(model, source);
  const { graph, metadata } = model;
  const makers = producers(graph);
  const [count, featureCount] = graph.initializers.get(HEAD_WEIGHT)?.dims ?? [];
  const [height, width] = imageSize(graph) ?? [];
  const features = metadata[FEATURES] ?? '';
  const stage = metadata[STAGE];
  const isOurs =
    calibrationIn(graph, card.categories.length) !== undefined &&
    count === card.categories.length &&
    makers.get(LOGITS)?.inputs[0] === features &&
    (stage === undefined || makers.has(stage));
  if (!isOurs || height === undefined || width === undefined || featureCount === undefined) {
    throw new OnnxError(
      'onnx-unsupported',
      `${source} cannot be used: its graph is not the one that its metadata describe. Export the run again.`,
    );
  }
  const outputs = [{ name: LOGITS, type: 'float32' as const, dims: ['N', count] }];
  const classifier: Classifier = {
    graph: extract(graph, graph.inputs, outputs),
    opset: model.opsets[''] ?? 0,
    height,
    width,
    features,
    featureCount,
    stage,
  };
  return { classifier, card };
}

/** The calibration between logits and sigmoid; null where there is none, undefined where something else is. */
function calibrationIn(graph: Graph, count: number): LogitMap | null | undefined {
  const makers = producers(graph);
  const end = makers.get(PROBABILITIES);
  if (end?.type !== 'Sigmoid') return undefined;
  if (end.inputs[0] === LOGITS) return null;
  const [shifted, scaled] = [makers.get(CALIBRATED), makers.get(SCALED)];
  const isChain =
    end.inputs[0] === CALIBRATED && isNode(shifted, 'Add', [SCALED, SHIFT]) && isNode(scaled, 'Mul', [LOGITS, SCALE]);
  const [scale, shift] = [SCALE, SHIFT].map((name) => numbersIn(graph.initializers.get(name), count));
  return isChain && scale?.every((a) => a > 0) && shift ? { scale, shift } : undefined;
}

function isNode(node: Node | undefined, type: string, inputs: readonly string[]): boolean {
  return node?.type === type && node.inputs.join() === inputs.join();
}

/** The finite numbers of a vector; undefined where it is none. */
function numbersIn(tensor: Tensor | undefined, count: number): number[] | undefined {
  if (tensor?.type !== 'float32' || tensor.data.length !== count) return undefined;
  const numbers = [...tensor.data];
  return isNumbers(numbers) ? numbers : undefined;
}

function cardOf(model: Model, source: string): ModelCard {
  const card = cardIn(model);
  if (card) return card;
  throw new OnnxError(
    'onnx-unsupported',
    `${source} is no model that Labelscope trained: its metadata name no categories. Give a run folder or an exported model.`,
  );
}

/** What a model file of ours says of itself; undefined where it is none. */
export function cardIn({ graph, metadata }: Model): ModelCard | undefined {
  const categories = jsonOf(metadata[CARD_KEYS.categories]);
  const thresholds = jsonOf(metadata[CARD_KEYS.thresholds]);
  const provenance = jsonOf(metadata[CARD_KEYS.provenance]);
  const isCard = isTexts(categories) && isNumbers(thresholds) && categories.length === thresholds.length && isRecord(provenance);
  if (!isCard) return undefined;
  const calibration = calibrationIn(graph, categories.length);
  return { categories, thresholds, provenance, ...(calibration && { calibration }) };
}

/** Height and width of the image input; undefined where there is none of the right form. */
function imageSize(graph: Graph): readonly [number, number] | undefined {
  const image = graph.inputs.find(({ name }) => name === IMAGE);
  const [, height, width, channels] = image?.dims ?? [];
  const isImage = image?.type === 'uint8' && typeof height === 'number' && typeof width === 'number' && channels === 3;
  return isImage ? [height, width] : undefined;
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null') as unknown;
  } catch {
    return null;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
