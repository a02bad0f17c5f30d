// The worker thread: ONNX Runtime and nothing else. Its calls block this thread, so that the engine's main thread never does.
import { createRequire } from 'node:module';
import { workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { encodeModel } from '../../onnx/encode';
import type { Model, Tensor } from '../../onnx/model';
import { NEXT } from '../../onnx/normalization';
import { LabelscopeError } from '../../protocol/errors';
import type { EngineDescription } from '../../protocol/messages';
import type { LoadOptions, Tensors, WorkerCalls } from './messages';
import { find, serveCalls } from './serve';

/** The copy that the main thread chose. */
const { onnxRuntime } = workerData as { readonly onnxRuntime: string };
const {
  InferenceSession,
  listSupportedBackends,
  Tensor: OrtTensor,
} = createRequire(__filename)(onnxRuntime) as typeof OnnxRuntime & Backends;
type InferenceSession = OnnxRuntime.InferenceSession;
type OrtTensor = OnnxRuntime.Tensor;

/** Of onnxruntime-node alone; the types are those of all its kinds. */
interface Backends {
  readonly listSupportedBackends: () => readonly { readonly name: string }[];
}

interface Session {
  readonly session: InferenceSession;
  readonly options: LoadOptions;
}

interface State {
  readonly tensors: Map<string, OrtTensor>;
  /** Buffers of the step before last: the next step writes into them, so that no step allocates. */
  readonly spare: Map<string, OrtTensor>;
}

const sessions = new Map<number, Session>();
const states = new Map<number, State>();
let numbers = 0;

async function load({ model, options }: WorkerCalls['load']['in']): Promise<number> {
  checkBackend(options.device);
  const session = await createSession(model, options);
  sessions.set(++numbers, { session, options });
  return numbers;
}

/** A provider that the package does not know is left out with a warning, and the CPU does the work in its place. */
function checkBackend(device: LoadOptions['device']): void {
  if (listSupportedBackends().some(({ name }) => name === device)) return;
  throw new LabelscopeError(
    'device-unavailable',
    `ONNX Runtime's package for Node has no ${device} on ${process.platform}-${process.arch}. Use another device.`,
  );
}

function createSession(model: string | Uint8Array, options: LoadOptions): Promise<InferenceSession> {
  const settings = sessionSettings(options);
  return typeof model === 'string' ? InferenceSession.create(model, settings) : InferenceSession.create(model, settings);
}

function sessionSettings({
  device,
  threads,
  stateOutputs = [],
  keep,
  kept = false,
}: LoadOptions): OnnxRuntime.InferenceSession.SessionOptions {
  return {
    // Our own graphs run on a GPU whole (test/engine/webgpu.test.ts); an operator of somebody's network that it lacks is still right on the CPU.
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: kept ? 'disabled' : 'all',
    ...(keep !== undefined && { optimizedModelFilePath: keep }),
    ...(stateOutputs.length > 0 && { enableMemPattern: false }),
    logSeverityLevel: 3,
    // Spinning threads would take the cores that decode the next batch.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    // Only the state: with no output on the CPU, memory was seen to grow with every step.
    ...(device === 'webgpu' && {
      preferredOutputLocation: Object.fromEntries(stateOutputs.map((name) => [name, 'gpu-buffer' as const])),
    }),
  };
}

/** Copies: the memory becomes a later step's output, so no two tensors may share it, as equal initial values may. */
function setState({ tensors }: WorkerCalls['setState']['in']): Promise<number> {
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, copyOf(toOrt(tensor))] as const);
  states.set(++numbers, { tensors: new Map(entries), spare: new Map() });
  return Promise.resolve(numbers);
}

async function run({ session: number, feeds, state: stateNumber, outputs: wanted }: WorkerCalls['run']['in']): Promise<Tensors> {
  const { session } = find(sessions, number);
  const state = stateNumber === undefined ? undefined : find(states, stateNumber);
  const inputs = Object.fromEntries(session.inputNames.map((name) => [name, feed(name, feeds, state)]));
  const fetches = Object.fromEntries(
    (wanted ?? session.outputNames).map((name) => [
      name,
      (name.startsWith(NEXT) && state?.spare.get(name.slice(NEXT.length))) || null,
    ]),
  );
  const outputs = await session.run(inputs, fetches);
  const results: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    if (state && name.startsWith(NEXT)) advance(state, name.slice(NEXT.length), tensor);
    else results[name] = fromOrt(tensor);
  }
  return results;
}

function feed(name: string, feeds: Tensors, state: State | undefined): OrtTensor {
  const given = feeds[name];
  const tensor = given ? toOrt(given) : state?.tensors.get(name);
  if (!tensor) throw new LabelscopeError('runtime-missing-input', `The graph input '${name}' was given no tensor.`);
  return tensor;
}

function advance(state: State, name: string, next: OrtTensor): void {
  const before = state.tensors.get(name);
  state.tensors.set(name, next);
  if (before?.location === 'cpu') state.spare.set(name, before);
  else before?.dispose();
}

async function readState({ state: number }: WorkerCalls['readState']['in']): Promise<Tensors> {
  const { tensors } = find(states, number);
  const onDevice = [...tensors].filter(([, tensor]) => tensor.location !== 'cpu');
  const fetched = onDevice.length > 0 ? await download(onDevice) : {};
  const host = [...tensors]
    .filter(([, tensor]) => tensor.location === 'cpu')
    .map(([name, tensor]) => [name, fromOrt(tensor)] as const);
  return { ...Object.fromEntries(host), ...fetched };
}

/** Reading a GPU tensor's data aborts the process in ONNX Runtime 1.30; a graph of identities with outputs on the CPU does not. */
async function download(tensors: readonly (readonly [string, OrtTensor])[]): Promise<Tensors> {
  const session = await InferenceSession.create(encodeModel(identities(tensors)), { executionProviders: ['webgpu'] });
  const outputs = await session.run(Object.fromEntries(tensors));
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name.slice(NEXT.length), fromOrt(tensor)]));
}

function identities(tensors: readonly (readonly [string, OrtTensor])[]): Model {
  const info = (name: string, tensor: OrtTensor) => ({ name, type: tensor.type as Tensor['type'], dims: tensor.dims });
  const nodes = tensors.map(([name]) => ({
    name,
    type: 'Identity',
    domain: '',
    inputs: [name],
    outputs: [NEXT + name],
    attributes: {},
  }));
  const inputs = tensors.map(([name, tensor]) => info(name, tensor));
  const outputs = tensors.map(([name, tensor]) => info(NEXT + name, tensor));
  return {
    irVersion: 9,
    opsets: { '': 20 },
    producer: 'labelscope',
    metadata: {},
    graph: { name: 'download', nodes, inputs, outputs, initializers: new Map() },
  };
}

/** The state goes first: a tensor that outlives the GPU session which made it ends the process when it is disposed of. */
async function release({ session, state }: WorkerCalls['release']['in']): Promise<null> {
  if (state !== undefined) {
    for (const tensor of states.get(state)?.tensors.values() ?? []) if (tensor.location !== 'cpu') tensor.dispose();
    states.delete(state);
  }
  if (session !== undefined) {
    await sessions.get(session)?.session.release();
    sessions.delete(session);
  }
  return null;
}

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);
}

function copyOf({ type, data, dims }: OrtTensor): OrtTensor {
  return new OrtTensor(type as 'float32', (data as Float32Array).slice(), dims);
}

/** Copies, because the memory behind an output belongs to ONNX Runtime and may be written by the next step. */
function fromOrt(tensor: OrtTensor): Tensor {
  const { type, dims, data } = copyOf(tensor);
  return { type, dims: [...dims], data } as Tensor;
}

function describe(): Promise<EngineDescription> {
  const { version } = createRequire(__filename)(`${onnxRuntime}/package.json`) as { version: string };
  const about = { package: `onnxruntime-node ${version}`, folder: onnxRuntime, backend: 'ONNX Runtime' };
  return Promise.resolve({ engine: 'onnxruntime', ...about, gpu: false });
}

serveCalls({ describe, load, setState, run, readState, release }, 'ONNX Runtime');
