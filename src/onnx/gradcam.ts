// Grad-CAM as a graph: an image in, one map a chosen category out, all categories in one run.
import { GraphBuilder, type Target, type Value } from './builder';
import { type Classifier, IMAGE, LOGITS, PROBABILITIES } from './classifier';
import { differentiate } from './differentiate';
import { type Model, OnnxError } from './model';
import type { LogitMap } from './inference';
import { extract } from './subgraph';
import { tensorOf } from './tensors';

export const SELECTION = 'selection';
export const MAPS = 'maps';
export const SIGNED_MAPS = 'signed-maps';

/**
 * Selvaraju et al., "Grad-CAM" (2017), eq. 1 and 2, on the last convolutional stage A (K×h×w), with S the category's logit:
 * alpha_k = mean over positions of ∂S/∂A_k, map = max(0, Σ_k alpha_k·A_k), not normalised.
 *
 * Inputs: image (uint8, 1×H×W×3), selection (float32, S×C, one-hot rows: the categories to explain).
 * Outputs: maps and, before negative values become 0, signed-maps (float32, S×h×w each); probabilities (float32, 1×C), after the
 * calibration, where there is one.
 *
 * @throws OnnxError 'onnx-unsupported' where the network has no convolutional stage in front of its head
 */
export function buildGradCam(classifier: Classifier, selected: number, target: Target = 'cpu', calibration?: LogitMap): Model {
  const { graph, stage = '', opset } = classifier;
  const builder = new GraphBuilder(opset, target);
  const image = builder.input(IMAGE, 'uint8', [1, classifier.height, classifier.width, 3]);
  const forward = builder.append(graph, new Map([[IMAGE, image]]));
  const logit = forward.get(LOGITS)!;
  builder.output(builder.op('Sigmoid', [calibration ? calibrated(builder, logit, calibration) : logit]), PROBABILITIES);
  const activations = forward.get(stage);
  if (activations?.dims.length !== 4) {
    throw new OnnxError(
      'onnx-unsupported',
      'Grad-CAM needs a network that pools a convolutional stage in front of its head; this one does not.',
    );
  }
  const repeated = builder.op('Expand', [activations, builder.ints([selected, ...activations.dims.slice(1)])]);
  const rest = extract(graph, [{ name: stage, type: 'float32', dims: ['N', ...activations.dims.slice(1)] }], graph.outputs);
  const logits = builder.append(rest, new Map([[stage, repeated]])).get(LOGITS)!;
  const selection = builder.input(SELECTION, 'float32', logits.dims);
  const gradients = differentiate(builder, { nodes: builder.nodes, seeds: new Map([[logits.name, selection]]), wrt: [repeated] });
  const weighted = weightedSum(builder, repeated, gradients.get(repeated.name)!);
  builder.output(builder.op('Relu', [weighted]), MAPS);
  builder.output(weighted, SIGNED_MAPS);
  return { irVersion: 10, opsets: { '': opset }, producer: 'labelscope', graph: builder.build('grad-cam'), metadata: {} };
}

function calibrated(builder: GraphBuilder, logits: Value, { scale, shift }: LogitMap): Value {
  const scaled = builder.op('Mul', [logits, builder.constant(tensorOf('float32', scale))]);
  return builder.op('Add', [scaled, builder.constant(tensorOf('float32', shift))]);
}

function weightedSum(builder: GraphBuilder, activations: Value, gradients: Value): Value {
  const [, , height, width] = activations.dims as [number, number, number, number];
  // A sum and a quotient: what ReduceMean's axes are depends on the operator set.
  const sums = builder.op('ReduceSum', [gradients, builder.ints([2, 3])], { keepdims: 1 });
  const alpha = builder.op('Div', [sums, builder.scalar(height * width)]);
  return builder.op('ReduceSum', [builder.op('Mul', [alpha, activations]), builder.ints([1])], { keepdims: 0 });
}
