// Labelscope as a contestant: the path that training and prediction take, through the runtime's worker thread.
import ortPackage from 'onnxruntime-node/package.json';
import { blocksHere } from '../src/engine/forms/processor';
import { startLearner } from '../src/engine/train/learner';
import type { Device } from '../src/engine/runtime/messages';
import { type Runtime, startEngineRuntime } from '../src/engine/runtime/runtime';
import { tensorFlowDevice } from '../src/engine/runtime/tensorflow/device';
import { IMAGE, PROBABILITIES } from '../src/onnx/classifier';
import type { Tensor } from '../src/onnx/model';
import type { FormName } from '../src/protocol/forms';
import type { Case } from './cases';
import { answerTurns, type Ready } from './contestant';
import { OPTIMISER, workBatch, workClassifier } from './workload';

export interface OurJob extends Case {
  readonly backbone: string;
  /** The model file for forward inference. */
  readonly inference: string;
  readonly threads: number;
  readonly device: Device;
  /** Of a training step. */
  readonly form: FormName;
  /** Absent: ONNX Runtime. */
  readonly engine?: 'tensorflow';
}

const WARM_UP_STEPS = 3;

/** The child process: sets up, warms up, then works when told to. @throws LabelscopeError 'device-unavailable' where TensorFlow.js computes elsewhere */
export async function runOurs(job: OurJob): Promise<void> {
  const runtime = startEngineRuntime(__dirname, job.engine ?? 'onnxruntime');
  try {
    // It takes the device that its package is for, whatever was asked for: a figure must not stand in the other's table.
    if (job.engine === 'tensorflow') await tensorFlowDevice(runtime, job.device, job.threads);
    await workWhenTold(runtime, job);
  } finally {
    // Its thread would keep a process that has failed, and whoever waits for its answer.
    await runtime.close();
  }
}

async function workWhenTold(runtime: Runtime, job: OurJob): Promise<void> {
  const { atOnce, work } = job.kind === 'step' ? await trainingSteps(runtime, job) : await forwardPass(runtime, job);
  const checks: number[] = [];
  while (checks.length < WARM_UP_STEPS) checks.push(...(await work(1)));
  const whole = () => work(atOnce);
  await whole();
  const { package: name, library } = await runtime.describe();
  const version = job.engine ? [name, library].filter(Boolean).join(', ') : `ONNX Runtime ${ortPackage.version}`;
  const ready: Ready = { version: `${version}, Node ${process.version}`, checks };
  await answerTurns(ready, whole, atOnce);
}

interface Work {
  /** Steps that are done together. */
  readonly atOnce: number;
  /** Does so many; answers a number of each. */
  readonly work: (steps: number) => Promise<number[]>;
}

/** Answers the losses before the updates. */
async function trainingSteps(runtime: Runtime, { backbone, threads, device, form, engine, ...job }: OurJob): Promise<Work> {
  const classifier = await workClassifier(backbone);
  const block = form === 'blocked' ? await blockOf(runtime) : undefined;
  const options = { ...OPTIMISER, ...job, batchNormMomentum: undefined, ema: 0, l2On: 'weights-and-norm' as const, block };
  const load = { device, threads, ...(engine && { engine }) };
  const learner = await startLearner(runtime, classifier, IMAGE, options, load);
  const { image, labels } = workBatch(job.batchSize);
  const one = { batch: { input: image, labels }, learnRate: OPTIMISER.learnRate, iteration: 1 };
  return { atOnce: learner.atOnce, work: (steps) => learner.steps(Array.from({ length: steps }, () => one)) };
}

/** @throws Error where the blocked form cannot be used */
async function blockOf(runtime: Runtime): Promise<number> {
  const { block, against } = await blocksHere(runtime);
  if (block === undefined) throw new Error(against);
  return block;
}

/** Answers the sum of the probabilities. */
async function forwardPass(runtime: Runtime, { inference, threads, device, batchSize }: OurJob): Promise<Work> {
  const session = await runtime.load(inference, { device, threads });
  const { image } = workBatch(batchSize);
  const pass = async () => {
    const outputs = await runtime.run(session, { [IMAGE]: image });
    return [(outputs[PROBABILITIES] as Tensor<'float32'>).data.reduce((sum, value) => sum + value, 0)];
  };
  return { atOnce: 1, work: pass };
}
