// The finished model file: raw pixels in, probabilities out, categories, thresholds and provenance in its metadata.
import { type Classifier, IMAGE, LOGITS, PROBABILITIES } from './classifier';
import { type Model, type Node, OnnxError } from './model';
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
      'labelscope.features': classifier.features,
      'labelscope.featureCount': String(classifier.featureCount),
      ...(classifier.stage !== undefined && { 'labelscope.stage': classifier.stage }),
    },
  };
}

/**
 * Reads a model file of ours back.
 *
 * @throws OnnxError 'onnx-unsupported' where it was not written by buildInferenceModel
 */
export function readInferenceModel(model: Model, source: string): { readonly classifier: Classifier; readonly card: ModelCard } {
  const { metadata } = model;
  const categories = jsonOf(metadata[CARD_KEYS.categories]);
  const thresholds = jsonOf(metadata[CARD_KEYS.thresholds]);
  const provenance = jsonOf(metadata[CARD_KEYS.provenance]);
  const image = model.graph.inputs.find(({ name }) => name === IMAGE);
  const isOurs =
    isTexts(categories) &&
    isNumbers(thresholds) &&
    typeof provenance === 'object' &&
    image !== undefined &&
    producers(model.graph).has(LOGITS);
  const features = metadata['labelscope.features'];
  if (!isOurs || features === undefined) {
    throw new OnnxError(
      'onnx-unsupported',
      `${source} is no model that Labelscope trained: its metadata name no categories. Give a run folder or an exported model.`,
    );
  }
  const [, height, width] = image.dims as readonly number[];
  const outputs = [{ name: LOGITS, type: 'float32' as const, dims: ['N', categories.length] }];
  const classifier: Classifier = {
    graph: extract(model.graph, model.graph.inputs, outputs),
    opset: model.opsets[''] ?? 0,
    height: height!,
    width: width!,
    features,
    featureCount: Number(metadata['labelscope.featureCount']),
    stage: metadata['labelscope.stage'],
  };
  return { classifier, card: { categories, thresholds, provenance: provenance as Record<string, unknown> } };
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
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
