// A multilabel classifier of another program, with its own head, in the form that our models have.
import { type Classifier, type Head, headOf, withNewHead } from './classifier';
import { cardIn, type ModelCard } from './inference';
import { type Model, OnnxError } from './model';
import { tidied } from './tidy';

export interface Imported {
  readonly classifier: Classifier;
  /** Where the file was exported by us. */
  readonly card: ModelCard | undefined;
  readonly count: number;
  /** What was taken for granted, in words. */
  readonly notes: readonly string[];
}

/**
 * The network up to its last fully connected layer, that layer as the head, and what follows it left out: a sigmoid is put there again, and
 * the calibration of a file of ours, which its card has.
 *
 * @throws OnnxError 'onnx-unsupported' where there is no such layer, no image input, or a softmax at the end
 */
export function importClassifier(model: Model, source: string): Imported {
  const behind = headOf(tidied(model.graph, new Set()), source);
  if (behind.passed.some((type) => type === 'Softmax' || type === 'LogSoftmax')) {
    throw new OnnxError(
      'onnx-unsupported',
      `${source} ends in a softmax: it names one label an image, not several. Import a network that ends in a sigmoid or in logits.`,
    );
  }
  const head: Head = behind.head;
  const classifier = withNewHead(model, source, () => head);
  const isBytes = model.graph.inputs.some(({ type }) => type === 'uint8');
  const output = behind.passed.includes('Sigmoid')
    ? 'Its output is a sigmoid.'
    : 'Its output is taken as logits: a sigmoid follows.';
  const input = isBytes
    ? 'Its input is taken as RGB bytes.'
    : "Its input is taken as RGB planes, normalised with ImageNet's means and deviations.";
  return { classifier, card: cardIn(model), count: head.bias.dims[0]!, notes: [input, output] };
}
