// The request `import`: a classifier of another program becomes a model of ours.
import type { CountProgress } from './messages';

export interface ImportParams {
  /** Any multilabel ONNX classifier with one image input and a fully connected layer at its end, behind it a sigmoid or nothing. */
  readonly model: string;
  /** In the order of its outputs; read from the file's metadata where it was exported by Labelscope. */
  readonly categories?: readonly string[];
  /** The new folder for model.onnx and import.json. */
  readonly folder: string;
  readonly name: string;
}

export interface ImportResult {
  readonly folder: string;
  readonly categories: readonly string[];
  /** What was assumed of input and output, in words. */
  readonly notes: readonly string[];
  /** False where the network has no convolutional stage in front of its head. */
  readonly canExplain: boolean;
}

/** Bytes of the file that is taken over, then of the one that is made of it. */
export interface ImportProgress extends CountProgress {
  readonly stage: 'reading' | 'writing';
}

export interface ImportRequests {
  readonly import: { params: ImportParams; result: ImportResult; progress: ImportProgress };
}
