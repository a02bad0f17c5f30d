// The engine as the editor and the command line see it: a child process behind typed requests.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  ProgressType,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { LabelscopeError, type WireError } from '../../protocol/errors';
import { ENGINE_VARIABLE, type EngineName } from '../../protocol/recipe';
import {
  type LogLine,
  type Method,
  type Params,
  type Progress,
  type Result,
  type RunsFolder,
  STOP_LIMIT_MS,
} from '../../protocol/messages';

export interface EngineOptions {
  /** The bundled engine (dist/engine.js). */
  readonly script: string;
  readonly onLog: (line: LogLine) => void;
  /** Asked at every start of the process; without it, what the environment says, or onnxruntime. */
  readonly engine?: () => EngineName;
  /** A process group of its own: what ends this process, or its terminal, does not end the engine. */
  readonly detached?: boolean;
  /** What the process has to end in once it was asked to, before it is killed; default: `STOP_LIMIT_MS`. */
  readonly stopLimitMs?: number;
}

export interface RequestOptions<M extends Method> {
  /** Aborting cancels the request: it then ends with its result so far or with LabelscopeError('cancelled'). */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress<M>) => void;
  readonly runsFolder?: RunsFolder | undefined;
}

export interface EngineClient {
  /** @throws LabelscopeError with the engine's code and words; 'engine-died' when its process ended meanwhile */
  request<M extends Method>(method: M, params: Params<M>, options?: RequestOptions<M>): Promise<Result<M>>;
  /** Ends the process, which saves what it has. A request in progress ends with 'engine-died', the next starts a new process. */
  stop(): Promise<void>;
  readonly pid: number | undefined;
}

/** Starts the engine at the first request, and again at the next one if it died. */
export function engineClient(options: EngineOptions): EngineClient {
  let engine: Engine | undefined;
  let tokens = 0;
  return {
    get pid() {
      return engine?.alive ? engine.process.pid : undefined;
    },
    request: async (method, params, requestOptions = {}) => {
      if (!engine?.alive) engine = startEngine(options);
      return send(engine, method, params, requestOptions, ++tokens);
    },
    stop: async () => {
      if (engine?.alive) await end(engine, options.stopLimitMs ?? STOP_LIMIT_MS);
    },
  };
}

interface Engine {
  readonly process: ChildProcess;
  readonly connection: MessageConnection;
  alive: boolean;
  /** Rejects when the process has ended. */
  readonly death: Promise<never>;
}

function startEngine({ script, onLog, detached = false, engine: chosen }: EngineOptions): Engine {
  const name = chosen?.() ?? process.env[ENGINE_VARIABLE];
  const child = fork(script, [], {
    execArgv: [],
    serialization: 'advanced',
    detached,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: String(Math.max(4, availableParallelism())),
      MALLOC_ARENA_MAX: '2',
      ...(name !== undefined && { [ENGINE_VARIABLE]: name }),
    },
  });
  // What native libraries print must not mix with what the command line prints.
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => onLog({ level: 'debug', message: text.toString().trimEnd() }));
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  connection.onNotification('log', (line: LogLine) => onLog(line));
  connection.listen();
  const death = new Promise<never>((_, reject) => {
    const died = (how: string) => {
      engine.alive = false;
      connection.dispose();
      const saved = 'What was saved is kept; a training run can be continued with --resume.';
      // Its native library is the person's own, and one that is damaged takes the process with it.
      const hint = name === 'tensorflow' ? " 'labelscope doctor' says whether TensorFlow.js loads here." : '';
      reject(new LabelscopeError('engine-died', `The engine process ended unexpectedly (${how}). ${saved}${hint}`));
    };
    child.once('exit', (code, signal) => died(signal ?? `exit code ${String(code)}`));
    // It could not be started, or a message could not be sent to a process that is just ending.
    child.on('error', ({ message }) => {
      if (child.pid === undefined) died(message);
    });
  });
  death.catch(() => undefined);
  const engine: Engine = { process: child, connection, alive: true, death };
  return engine;
}

async function send<M extends Method>(
  engine: Engine,
  method: M,
  params: Params<M>,
  options: RequestOptions<M>,
  token: number,
): Promise<Result<M>> {
  if (options.signal?.aborted) throw new LabelscopeError('cancelled', 'Stopped before it had begun.');
  const cancellation = new CancellationTokenSource();
  const cancel = () => cancellation.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  const progress = engine.connection.onProgress(new ProgressType<Progress<M>>(), token, (value) => options.onProgress?.(value));
  try {
    const envelope = {
      params,
      progressToken: token,
      ...(options.runsFolder !== undefined && { runsFolder: options.runsFolder }),
    };
    const answer = engine.connection.sendRequest<Result<M>>(method, envelope, cancellation.token);
    // A connection that is disposed rejects too; whoever died first, the death's words are the better ones.
    return await Promise.race([
      answer.catch((error: unknown) => (engine.process.connected ? Promise.reject(toError(error)) : engine.death)),
      engine.death,
    ]);
  } finally {
    progress.dispose();
    options.signal?.removeEventListener('abort', cancel);
    cancellation.dispose();
  }
}

function toError(error: unknown): Error {
  const data = error instanceof ResponseError ? (error.data as WireError | undefined) : undefined;
  if (data) return new LabelscopeError(data.code, data.message);
  return error instanceof Error ? error : new Error(String(error));
}

/** Asks first: the engine then saves and releases the device. A process that does not end by itself is killed. */
async function end(engine: Engine, limitMs: number): Promise<void> {
  engine.alive = false;
  const exited = new Promise<void>((resolve) => engine.process.once('exit', () => resolve()));
  const timer = setTimeout(() => engine.process.kill('SIGKILL'), limitMs);
  if (engine.process.connected) engine.process.disconnect();
  await exited;
  clearTimeout(timer);
}
