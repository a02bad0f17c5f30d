// The layers of a classifier in stages, from the head down to the input, found by the sizes of what they give out.
import { GraphBuilder } from './builder';
import { type Classifier, HEAD_BIAS, HEAD_WEIGHT, IMAGE } from './classifier';
import { parametersOf } from './parameters';
import { extract } from './subgraph';

export interface Stage {
  /** 'head', 'hidden' (further layers behind the last convolutional stage), or the size of what its layers give out: '7 × 7'. */
  readonly name: string;
  /** Names of the initializers that belong to it: weights, biases, and statistics of normalisation. */
  readonly tensors: readonly string[];
}

/**
 * Layers in front of the pool whose outputs have one height and width are a stage, as ResNet's authors name theirs; what works on
 * single numbers there (squeeze-and-excitation) belongs to the stage that it stands in.
 *
 * @throws OnnxError 'onnx-shape', 'onnx-unsupported' where the shapes of the graph cannot be told
 */
export function stagesOf(classifier: Classifier): Stage[] {
  const sizes = sizesOf(classifier);
  const stages = new Map<string, string[]>();
  for (const { name, node } of parametersOf(classifier.graph)) {
    const stage = name === HEAD_WEIGHT || name === HEAD_BIAS ? 'head' : (sizes.get(node.outputs[0]!) ?? 'hidden');
    stages.set(stage, [...(stages.get(stage) ?? []), name]);
  }
  return [...stages].reverse().map(([name, tensors]) => ({ name, tensors }));
}

/** By value in front of the pool: the size of the stage that it belongs to. */
function sizesOf({ graph, stage, opset, height, width }: Classifier): Map<string, string> {
  const builder = new GraphBuilder(opset);
  const values = builder.append(graph, new Map([[IMAGE, builder.input(IMAGE, 'uint8', [1, height, width, 3])]]));
  const front = extract(graph, graph.inputs, [{ name: stage ?? '', type: 'float32', dims: undefined }]);
  const sizes = new Map<string, string>();
  let current = `${height} × ${width}`;
  for (const { outputs } of front.nodes) {
    const { dims = [] } = values.get(outputs[0]!) ?? {};
    const [, , rows, columns] = dims;
    if (dims.length === 4 && rows! * columns! > 1) current = `${rows} × ${columns}`;
    for (const output of outputs) sizes.set(output, current);
  }
  return sizes;
}
