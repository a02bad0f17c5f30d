// Which of its two forms a training step takes, plain or blocked, and why: what was asked for, what is known here, what a self-check finds.
import type { Classifier } from '../../onnx/classifier';
import type { StepOptions } from '../../onnx/training';
import { LabelscopeError } from '../../protocol/errors';
import type { FormName, FormsReport, FormVerdict, StepForm } from '../../protocol/forms';
import type { Context } from '../context';
import type { LoadOptions } from '../runtime/messages';
import { onnxRuntimeVersion } from '../runtime/installed';
import { type CheckResult, checkForms } from './check';
import { type Blocks, blocksHere } from './processor';
import { familyOf, readVerdict, readVerdicts, type Surroundings, writeVerdict } from './verdicts';

/** The environment variable that asks for one of the forms. */
const VARIABLE = 'LABELSCOPE_STEP_FORM';

/** A run that has fewer images left to learn from, in blocks, does not win back what the self-check takes. */
const WORTH_A_CHECK = 100;
/** Up to this share of the plain form's time: what is won by less may be chance. */
const FASTER = 0.97;

const NOT_ITS_FORM = "the blocked form is ONNX Runtime's.";

export interface FormRequest {
  readonly classifier: Classifier;
  readonly options: StepOptions;
  readonly load: LoadOptions;
  /** Steps that the run still has to do. */
  readonly steps: number;
  /** How a run that goes on did its steps so far. */
  readonly before?: FormName | undefined;
}

type FormContext = Pick<Context, 'runtime' | 'version' | 'signal'>;

export interface FormSayings {
  /** A self-check begins. */
  readonly checking: () => void;
  /** The forms do not agree, or the blocked one does not run. */
  readonly warn: (message: string) => void;
}

/** @throws LabelscopeError 'setting-value' where the environment variable is neither plain nor blocked */
export async function chooseForm(request: FormRequest, context: FormContext, say: FormSayings): Promise<StepForm> {
  const wish = wishedForm();
  if (wish === 'plain') return plain(`${VARIABLE} asks for it.`);
  const unfit = unfitness(request);
  if (unfit !== undefined) return plain(unfit);
  if (wish === undefined && request.before === 'plain') return plain('the run began so.');
  const blocks = await blocksHere(context.runtime);
  const { block } = blocks;
  if (block === undefined) return plain(blocks.against!);
  const { batchSize } = request.options;
  if (batchSize % block !== 0) return plain(`the batch size ${batchSize} is not a multiple of ${block}.`);
  if (wish === 'blocked') return { form: 'blocked', block, reason: `${VARIABLE} asks for it; it was not checked.` };
  const verdict = await verdictOn(request, { ...context, block }, say);
  if (!verdict) return plain('the run is too short for a self-check of the blocked form.');
  // Which form is faster may change from check to check; a run that goes on goes on as it began.
  if (request.before === 'blocked' && verdict.time !== undefined) return { form: 'blocked', block, reason: 'the run began so.' };
  return { form: verdict.form, reason: verdict.reason, ...(verdict.form === 'blocked' && { block }) };
}

/** What `doctor` says of the forms. */
export async function reportForms({
  runtime,
  version,
  engine,
}: Pick<Context, 'runtime' | 'version' | 'engine'>): Promise<FormsReport> {
  if (engine === 'tensorflow') return { ...plain(NOT_ITS_FORM), verdicts: [] };
  const wish = wishedForm();
  const { block, against }: Blocks = await blocksHere(runtime);
  const verdicts = block === undefined ? [] : await readVerdicts(surroundings(version, block));
  const known = { ...(block !== undefined && { block }), verdicts };
  if (wish === 'plain' || block === undefined) {
    return { form: 'plain', reason: wish === 'plain' ? `${VARIABLE} asks for it.` : against!, ...known };
  }
  const reason =
    wish === 'blocked'
      ? `${VARIABLE} asks for it.`
      : `blocks of ${block} channels, where convolutions learn and a self-check finds the same and faster steps.`;
  return { form: 'blocked', reason, ...known };
}

function wishedForm(): FormName | undefined {
  const wish = process.env[VARIABLE];
  if (wish === undefined || wish === '' || wish === 'auto') return undefined;
  if (wish === 'plain' || wish === 'blocked') return wish;
  throw new LabelscopeError('setting-value', `${VARIABLE} cannot be '${wish}': it is plain, blocked or auto.`);
}

/** What has no blocked form, wherever it runs. */
function unfitness({ classifier, load, options }: FormRequest): string | undefined {
  if (load.engine === 'tensorflow') return NOT_ITS_FORM;
  if (load.device !== 'cpu') return 'the blocked form is for the CPU.';
  if (options.layers === 'head') return 'no convolution learns.';
  const has = classifier.graph.nodes.some(({ type }) => type === 'Conv');
  return has ? undefined : 'the network has no convolutions.';
}

function plain(reason: string): StepForm {
  return { form: 'plain', reason };
}

function surroundings(labelscope: string, block: number): Surroundings {
  return { labelscope, onnxRuntime: onnxRuntimeVersion(), block };
}

/** Undefined where there is none and the run is too short to make one. */
async function verdictOn(
  request: FormRequest,
  context: FormContext & { readonly block: number },
  say: FormSayings,
): Promise<FormVerdict | undefined> {
  const here = surroundings(context.version, context.block);
  const family = familyOf(request.classifier, request.options);
  const known = await readVerdict(here, family);
  if (known) return known;
  const isShort = request.steps * request.options.batchSize < WORTH_A_CHECK * context.block;
  if (isShort && request.before === undefined) return undefined;
  say.checking();
  const verdict = { ...(await check(request, context, say.warn)), network: summaryOf(request) };
  // Of two runs that check at the same time the first one's verdict holds for both.
  const other = await readVerdict(here, family);
  if (!other) await writeVerdict(here, family, verdict);
  return other ?? verdict;
}

async function check(
  { classifier, options, load }: FormRequest,
  context: FormContext & { readonly block: number },
  warn: FormSayings['warn'],
): Promise<Omit<FormVerdict, 'network'>> {
  try {
    const result = await checkForms(classifier, options, load, context);
    const verdict = judged(result, context.block);
    if (!result.agrees) warn(`Training step: ${verdict.reason}`);
    return verdict;
  } catch (error) {
    if (!(error instanceof LabelscopeError && error.code === 'runtime-failed')) throw error;
    const reason = `the blocked form does not run here, so it is not used (${error.message})`;
    warn(`Training step: ${reason}`);
    return { form: 'plain', reason };
  }
}

function judged({ agrees, loss, state, time }: CheckResult, block: number): Omit<FormVerdict, 'network'> {
  const differences = `loss to ${loss.toExponential(1)}, step to ${state.toExponential(1)}`;
  if (!agrees) {
    return {
      form: 'plain',
      reason: `the self-check of the blocked form differs from the plain form (${differences}), so it is not used.`,
    };
  }
  const took = `${Math.round(100 * time)} % of the plain form's processor time`;
  if (time > FASTER)
    return { form: 'plain', reason: `a self-check found the blocked form right, but not faster (${took}).`, time };
  return {
    form: 'blocked',
    reason: `blocks of ${block} channels; a self-check found the same step (${differences}) in ${took}.`,
    time,
  };
}

function summaryOf({ classifier: { graph, width, height }, options: { layers, batchNorm } }: FormRequest): string {
  const convolutions = graph.nodes.filter(({ type }) => type === 'Conv').length;
  const norm = batchNorm === 'batch' ? 'batch statistics' : 'frozen normalisation';
  return `${convolutions} convolutions, ${width} × ${height} pixels, layers ${layers}, ${norm}`;
}
