// Generalised-mean pooling: the mean over all places in front of the head becomes a mean of cubes, and its cube root.
import { backFrom, type Classifier, isMeanOfPlaces, POOLING } from './classifier';
import { type Graph, type Node, OnnxError, type Tensor } from './model';
import { producers } from './subgraph';

const EXPONENT = 3;
/** Smaller activations count as this: a root has no gradient at 0. */
const LEAST = 1e-6;

/** What changes no number of the pooled features. */
const VIEWS = new Set('Flatten Reshape Squeeze Transpose Identity Dropout'.split(' '));

/**
 * The same network with features (Σ max(x, 10⁻⁶)³ / n)^⅓ over the n places of a channel in place of Σ x / n (Radenović, Tolias and Chum,
 * "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2019, eq. 3, with p = 3). The stage stays the value that it was.
 *
 * @param source names the model in errors
 * @returns the network as it is where it is pooled so already, with whatever exponent
 * @throws OnnxError 'onnx-unsupported' where no mean over all places leads straight to the head: layers in between were trained on means
 */
export function withGeneralizedMean(classifier: Classifier, source: string): Classifier {
  const { graph } = classifier;
  const pool = poolOf(classifier);
  if (isGeneralized(pool, classifier)) return classifier;
  if (!pool || !isMeanOfPlaces(pool, graph)) {
    throw new OnnxError(
      'onnx-unsupported',
      `${source} cannot be pooled by generalised means (pooling=gem): ${pool?.type ?? 'nothing'} stands in front of its head, not a mean over all places. Set pooling=average.`,
    );
  }
  const nodes = graph.nodes.flatMap((node) => (node === pool ? ofPowers(pool) : [node]));
  const initializers = new Map<string, Tensor>([
    ...graph.initializers,
    [POOLING.least, scalar(LEAST)],
    [POOLING.exponent, scalar(EXPONENT)],
    [POOLING.root, scalar(1 / EXPONENT)],
  ]);
  return { ...classifier, graph: { ...graph, nodes, initializers } };
}

/** Whether `withGeneralizedMean` takes the network. */
export function canBeGeneralized(classifier: Classifier): boolean {
  const pool = poolOf(classifier);
  return isGeneralized(pool, classifier) || isMeanOfPlaces(pool, classifier.graph);
}

/** A root straight in front of the head, behind which a stage was found, is that of a mean of powers. */
function isGeneralized(pool: Node | undefined, { stage }: Classifier): boolean {
  return pool?.type === 'Pow' && stage !== undefined;
}

function poolOf({ graph, features }: Pick<Classifier, 'features'> & { readonly graph: Graph }): Node | undefined {
  return backFrom(features, producers(graph), VIEWS);
}

function ofPowers(pool: Node): Node[] {
  const make = (type: string, inputs: readonly string[], output: string): Node => ({
    name: output,
    type,
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  const { clipped, powers, mean, least, exponent, root } = POOLING;
  return [
    make('Clip', [pool.inputs[0]!, least], clipped),
    make('Pow', [clipped, exponent], powers),
    { ...pool, name: mean, inputs: [powers, ...pool.inputs.slice(1)], outputs: [mean] },
    make('Pow', [mean, root], pool.outputs[0]!),
  ];
}

function scalar(value: number): Tensor {
  return { type: 'float32', dims: [], data: Float32Array.of(value) };
}
