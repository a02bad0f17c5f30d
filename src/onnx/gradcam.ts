// Grad-CAM as a graph: the last convolutional stage in, one map a chosen category out, all categories in one run.
import { AUTODIFF } from './autodiff';
import { GraphBuilder, type Target, type Value } from './builder';
import { type Classifier, IMAGE, LOGITS } from './classifier';
import { differentiate } from './differentiate';
import { type Model, OnnxError } from './model';
import { extract } from './subgraph';

export const SELECTION = 'selection';
export const MAPS = 'maps';
export const SIGNED_MAPS = 'signed-maps';

/**
 * Selvaraju et al., "Grad-CAM" (2017), eq. 1 and 2, on the last convolutional stage A (K×h×w), with S the category's logit:
 * alpha_k = mean over positions of ∂S/∂A_k, map = max(0, Σ_k alpha_k·A_k), not normalised.
 *
 * The graph begins at A: the network in front of it is run once, however many categories are explained (see `withStage`).
 * Inputs: A under the name that the classifier gives it (float32, 1×K×h×w), selection (float32, S×C, one-hot rows: the categories to
 * explain). Outputs: maps and, before negative values become 0, signed-maps (float32, S×h×w each).
 *
 * @throws OnnxError 'onnx-unsupported' where the network has no convolutional stage in front of its head
 */
export function buildGradCam(classifier: Classifier, selected: number, target: Target = 'cpu'): Model {
  const { graph, opset } = classifier;
  const stage = stageOf(classifier, target);
  const builder = new GraphBuilder(opset, target);
  const activations = builder.input(stage.name, 'float32', stage.dims);
  const repeated = builder.op('Expand', [activations, builder.ints([selected, ...stage.dims.slice(1)])]);
  const rest = extract(graph, [{ ...stage, type: 'float32', dims: ['N', ...stage.dims.slice(1)] }], graph.outputs);
  const logits = builder.append(rest, new Map([[stage.name, repeated]])).get(LOGITS)!;
  const selection = builder.input(SELECTION, 'float32', logits.dims);
  const gradients = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[logits.name, selection]]), wrt: [repeated] });
  const weighted = weightedSum(builder, repeated, gradients.get(repeated.name)!);
  builder.output(builder.op('Relu', [weighted]), MAPS);
  builder.output(weighted, SIGNED_MAPS);
  const opsets = { '': opset, ...(target === 'autodiff' && { [AUTODIFF]: 1 }) };
  return { irVersion: 10, opsets, producer: 'labelscope', graph: builder.build('grad-cam'), metadata: {} };
}

/** The model that `buildInferenceModel` made of the classifier, with the activations of its last convolutional stage as an output, where it has one. */
export function withStage(model: Model, { stage }: Classifier): Model {
  if (stage === undefined) return model;
  const { graph } = model;
  const output = { name: stage, type: 'float32' as const, dims: ['N', 'K', 'h', 'w'] };
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, output] } };
}

/** The last convolutional stage, for one image. */
function stageOf({ graph, stage = '', opset, height, width }: Classifier, target: Target) {
  const builder = new GraphBuilder(opset, target);
  const image = builder.input(IMAGE, 'uint8', [1, height, width, 3]);
  const dims = builder.append(graph, new Map([[IMAGE, image]])).get(stage)?.dims;
  if (dims?.length === 4) return { name: stage, dims };
  throw new OnnxError(
    'onnx-unsupported',
    'Grad-CAM needs a network that pools a convolutional stage in front of its head; this one does not.',
  );
}

function weightedSum(builder: GraphBuilder, activations: Value, gradients: Value): Value {
  const [, , height, width] = activations.dims as [number, number, number, number];
  // A sum and a quotient: what ReduceMean's axes are depends on the operator set.
  const sums = builder.op('ReduceSum', [gradients, builder.ints([2, 3])], { keepdims: 1 });
  const alpha = builder.op('Div', [sums, builder.scalar(height * width)]);
  return builder.op('ReduceSum', [builder.op('Mul', [alpha, activations]), builder.ints([1])], { keepdims: 0 });
}
