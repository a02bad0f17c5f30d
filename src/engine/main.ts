// The engine process: takes requests over the channel to its parent, answers each with a result, an error or a cancellation.
import {
  type CancellationToken,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  ProgressType,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { LabelscopeError, toWireError } from '../protocol/errors';
import {
  type EngineReport,
  type Envelope,
  type Method,
  type Params,
  type Progress,
  type Result,
  STOP_LIMIT_MS,
} from '../protocol/messages';
import type { EngineName } from '../protocol/recipe';
import { browse, release, thumbnails } from './browse';
import { type Context, makeContext } from './context';
import { compare } from './compare';
import { install, remove } from './install';
import { diagnose } from './health-diagnose';
import { doctor } from './doctor';
import { evaluateModel } from './evaluate';
import { explain } from './explain';
import { exportModel } from './export';
import { pointing } from './pointing';
import { predict } from './predict';
import { prepare } from './prepare';
import { probeDevice } from './probe';
import type { Device } from './runtime/messages';
import { checkDataset, inspectDataset } from './inspect';
import { type ModelCache, modelCache } from './models';
import { calibrate, reset, thresholds } from './fitting/requests';
import { picture } from './picture';
import { engineHere, type Runtime, startEngineRuntime } from './runtime/runtime';
import { fixDataset } from './health-fix';
import { importModel } from './import';
import { sanity } from './sanity';
import { truth } from './truth';
import { correctLabels } from './review/correct';
import { decide, openReview } from './review/store';
import { findSuspectLabels } from './review/suspects';
import { splitDataset } from './split';
import { sample } from './sample/request';
import { train } from './train/train';

type Handler<M extends Method> = (
  params: Params<M>,
  context: Context,
  emit: (progress: Progress<M>) => void,
) => Promise<Result<M>>;

const HANDLERS: { readonly [M in Method]: Handler<M> } = {
  doctor,
  install,
  remove,
  train,
  evaluate: evaluateModel,
  compare,
  prepare,
  predict,
  explain,
  pointing,
  sanity,
  export: exportModel,
  inspect: inspectDataset,
  check: checkDataset,
  browse,
  thumbnails,
  release,
  split: splitDataset,
  diagnose,
  fix: fixDataset,
  truth,
  picture,
  import: importModel,
  thresholds,
  calibrate,
  reset,
  sample,
  suspects: findSuspectLabels,
  openReview,
  decide,
  correct: correctLabels,
};

/** What writes nothing: whoever has stopped it is not told a result any more. */
const TRACELESS: ReadonlySet<Method> = new Set<Method>(['doctor', 'compare', 'predict', 'inspect', 'check', 'diagnose']);

const PROGRESS = new ProgressType<unknown>();
const VERSION = process.env.LABELSCOPE_VERSION ?? '0.0.0';

function serve(): void {
  const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
  const name = engineHere();
  const runtime = startEngineRuntime(__dirname, name);
  const engine: Engine = { name, runtime, models: modelCache(runtime), gone: new AbortController() };
  for (const method of Object.keys(HANDLERS) as Method[]) handle(connection, method, engine);
  // The parent stops jobs through the channel; a Ctrl-C meant for it must not end this process half-way.
  process.on('SIGINT', () => undefined);
  for (const reason of ['SIGTERM', 'SIGHUP']) process.on(reason, () => void leave(engine));
  process.on('disconnect', () => void Promise.allSettled(outliving).then(() => leave(engine)));
  // Nobody reads what native libraries print once the parent is gone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  void runtime.ended.then(() => leave(engine));
  connection.listen();
}

interface Engine {
  readonly name: EngineName;
  readonly runtime: Runtime;
  readonly models: ModelCache;
  /** Aborted when this process is to end. */
  readonly gone: AbortController;
}

/** Jobs in progress: the process waits for them to save what they have before it leaves with its parent. */
const jobs = new Set<Promise<unknown>>();
/** Those among them that go on without the parent. */
const outliving = new Set<Promise<unknown>>();

function handle(connection: MessageConnection, method: Method, { name, runtime, models, gone }: Engine): void {
  const handler = HANDLERS[method] as Handler<Method>;
  connection.onRequest(method, async ({ params, progressToken, runsFolder }: Envelope<Method>, token: CancellationToken) => {
    const stop = new AbortController();
    token.onCancellationRequested(() => stop.abort());
    // It came before the question's turn, and is not told again.
    if (token.isCancellationRequested) stop.abort();
    const signal = AbortSignal.any([stop.signal, gone.signal]);
    const context = makeContext({ engine: name, runtime, models, signal, runsFolder, version: VERSION });
    const emit = (progress: unknown) => {
      if (process.connected) void connection.sendProgress(PROGRESS, progressToken, progress).catch(() => undefined);
    };
    const job = handler(params, context, emit);
    jobs.add(job);
    if ('outlive' in params && params.outlive) outliving.add(job);
    try {
      const result = await job;
      if (TRACELESS.has(method)) signal.throwIfAborted();
      return result;
    } catch (error) {
      const wire = toWireError(
        context.signal.aborted && !(error instanceof LabelscopeError)
          ? new LabelscopeError('cancelled', 'Stopped before it was done.')
          : error,
      );
      return new ResponseError(-32000, wire.message, wire);
    } finally {
      jobs.delete(job);
      outliving.delete(job);
    }
  });
}

async function leave({ gone, runtime }: Engine): Promise<void> {
  gone.abort();
  // Whoever would end a process whose step does not end may be gone: it must not hold its run for ever.
  setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
  await Promise.allSettled(jobs);
  await runtime.close();
  // Answers of the jobs that have just ended go out first.
  setImmediate(() => process.exit(0));
}

/** `--probe DEVICE`: this process only finds out whether a device can be trusted, and may crash doing it. */
function probe(device: Device): Promise<void> {
  return answerOnce(probeDevice(startEngineRuntime(__dirname, 'onnxruntime'), device));
}

/** `--describe ENGINE`: this process only finds out whether an engine loads, and may crash doing it. */
function describe(engine: EngineName): Promise<void> {
  const description = startEngineRuntime(__dirname, engine).describe();
  return answerOnce(
    description.then(
      (found): EngineReport => ({ found }),
      (error: unknown): EngineReport => ({ problem: toWireError(error).message }),
    ),
  );
}

async function answerOnce(finding: Promise<object>): Promise<void> {
  // A Ctrl-C would look like a driver that crashed; nobody is left to answer when the engine has gone.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  const answer = await finding;
  process.send?.(answer, () => process.exit(0));
}

const [flag, subject] = process.argv.slice(2);
if (flag === '--probe') void probe(subject as Device);
else if (flag === '--describe') void describe(subject as EngineName);
else serve();
