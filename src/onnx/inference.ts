// The finished model file: raw pixels in, probabilities out, categories, thresholds and provenance in its metadata.
import { type Classifier, HEAD_WEIGHT, IMAGE, LOGITS, PROBABILITIES } from './classifier';
import { type Graph, type Model, type Node, OnnxError } from './model';
import { extract, producers } from './subgraph';

export interface ModelCard {
  readonly categories: readonly string[];
  /** One a category: a score at or above it is a label. */
  readonly thresholds: readonly number[];
  /** Where the model comes from: recipe, data fingerprint, versions. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

const CARD_KEYS = {
  categories: 'labelscope.categories',
  thresholds: 'labelscope.thresholds',
  provenance: 'labelscope.provenance',
} as const;
const FEATURES = 'labelscope.features';
const STAGE = 'labelscope.stage';

/** image (uint8, N×H×W×3, RGB) → probabilities (float32, N×C). The stage and features values keep their names in metadata. */
export function buildInferenceModel(classifier: Classifier, card: ModelCard): Model {
  const sigmoid: Node = {
    name: 'sigmoid',
    type: 'Sigmoid',
    domain: '',
    inputs: [LOGITS],
    outputs: [PROBABILITIES],
    attributes: {},
  };
  const outputs = [{ name: PROBABILITIES, type: 'float32' as const, dims: ['N', card.categories.length] }];
  const { graph } = classifier;
  return {
    irVersion: 10,
    opsets: { '': classifier.opset },
    producer: 'labelscope',
    graph: { ...graph, name: 'labelscope', nodes: [...graph.nodes, sigmoid], outputs },
    metadata: {
      [CARD_KEYS.categories]: JSON.stringify(card.categories),
      [CARD_KEYS.thresholds]: JSON.stringify(card.thresholds),
      [CARD_KEYS.provenance]: JSON.stringify(card.provenance),
      [FEATURES]: classifier.features,
      ...(classifier.stage !== undefined && { [STAGE]: classifier.stage }),
    },
  };
}

/**
 * Reads a model file of ours back. What its metadata say is checked against the graph: nothing of a file is trusted.
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
    count === card.categories.length && makers.get(LOGITS)?.inputs[0] === features && (stage === undefined || makers.has(stage));
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

function cardOf(model: Model, source: string): ModelCard {
  const card = cardIn(model);
  if (card) return card;
  throw new OnnxError(
    'onnx-unsupported',
    `${source} is no model that Labelscope trained: its metadata name no categories. Give a run folder or an exported model.`,
  );
}

/** The metadata of a model file of ours; undefined where it is none. */
export function cardIn({ metadata }: Model): ModelCard | undefined {
  const categories = jsonOf(metadata[CARD_KEYS.categories]);
  const thresholds = jsonOf(metadata[CARD_KEYS.thresholds]);
  const provenance = jsonOf(metadata[CARD_KEYS.provenance]);
  const isCard = isTexts(categories) && isNumbers(thresholds) && categories.length === thresholds.length && isRecord(provenance);
  return isCard ? { categories, thresholds, provenance } : undefined;
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
