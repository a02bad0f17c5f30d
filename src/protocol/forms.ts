// The two forms of a training step on the CPU: plain operators, or ONNX Runtime's blocked layout (docs/architecture.md).

export type FormName = 'plain' | 'blocked';

export interface StepForm {
  readonly form: FormName;
  /** Why, in words. */
  readonly reason: string;
  /** Channels in a block of the blocked form. */
  readonly block?: number;
}

/** What the self-check of both forms found for one network on this machine. */
export interface FormVerdict extends Omit<StepForm, 'block'> {
  /** The operators and sizes of the network, what learns and how it is normalised, in short. */
  readonly network: string;
  /** Processor time of a step in the blocked form over the plain form's; absent where the forms did not agree. */
  readonly time?: number;
}

/** Of the request `doctor`. */
export interface FormsReport extends StepForm {
  readonly verdicts: readonly FormVerdict[];
}
