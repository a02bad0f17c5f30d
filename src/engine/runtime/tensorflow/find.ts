// Which TensorFlow.js there is on this machine: an optional peer that a person has installed, found when it is asked for and loaded once.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { userCacheFolder } from '../../../dataset/cache-folder';
import { LabelscopeError } from '../../../protocol/errors';
import type { TensorFlowVariant } from '../../../protocol/install';
import type { EngineDescription } from '../../../protocol/messages';
import type { TensorFlow } from './module';

/** A folder in whose node_modules it is looked for. */
const VARIABLE = 'LABELSCOPE_TENSORFLOW';

/** TensorFlow's own, of its processor's threads: read once, when it is loaded. */
const THREADS = 'TF_NUM_INTRAOP_THREADS';

/**
 * TensorFlow's own: whether it takes a card's memory as it needs it. Else it takes nearly all when it is loaded, and leaves none for a
 * second process of the engine, as labels are asked of while a training runs.
 */
const GROWTH = 'TF_FORCE_GPU_ALLOW_GROWTH';

/** In the order in which they are taken. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node', '@tensorflow/tfjs'] as const;
const WASM = '@tensorflow/tfjs-backend-wasm';

/** By TensorFlow's version, from its page of tested build configurations: a library does not say it of itself. */
const BUILT_FOR: Readonly<Record<string, string | undefined>> = {
  '2.9': 'CUDA 11.2 and cuDNN 8.1',
  '2.15': 'CUDA 12.2 and cuDNN 8.9',
  '2.18': 'CUDA 12.5 and cuDNN 9.3',
};

/** Where `doctor --install tensorflow` puts it. */
export function installedTensorFlow(): string {
  return userCacheFolder('tensorflow');
}

/** Of a folder that was named, nothing else is taken; else what was installed, then what lies beside Labelscope. */
export function tensorFlowPlaces(): string[] {
  const named = process.env[VARIABLE];
  return named ? [named] : [installedTensorFlow(), dirname(__dirname)];
}

export interface Found {
  readonly tf: TensorFlow;
  readonly description: EngineDescription;
  /** Before a graph runs: WebAssembly has no gradients of convolutions, plain JavaScript has. */
  readonly prepare: (differentiates: boolean) => Promise<void>;
}

/**
 * @param threads of the processor, for a native library; 0 = one per core, or what TensorFlow's own variable says
 * @throws LabelscopeError 'engine-missing' where there is none or none loads, with what each said
 */
export async function findTensorFlow(places: readonly string[], threads = 0): Promise<Found> {
  if (threads > 0) process.env[THREADS] = String(threads);
  process.env[GROWTH] ??= 'true';
  const failures: string[] = [];
  const broken: (typeof PACKAGES)[number][] = [];
  for (const name of PACKAGES) {
    for (const place of places) {
      const folder = join(place, 'node_modules', name);
      if (!existsSync(join(folder, 'package.json'))) continue;
      try {
        const found = await load(name, folder);
        return failures.length === 0 ? found : { ...found, description: { ...found.description, passedOver: failures } };
      } catch (error) {
        failures.push(`${folder} did not load: ${firstLine(error)}.`);
        broken.push(name);
      }
    }
  }
  const what =
    failures.length > 0
      ? failures.join(' ')
      : `No TensorFlow.js was found: ${PACKAGES.join(', ')} were looked for in node_modules of ${places.join(' and ')}.`;
  const variant: TensorFlowVariant = broken[0] === '@tensorflow/tfjs-node-gpu' ? 'tensorflow-gpu' : 'tensorflow';
  throw new LabelscopeError(
    'engine-missing',
    `${what} Add it with 'labelscope doctor --install ${variant}' or the editor's command Add TensorFlow.js, name a folder that has it in ${VARIABLE}, or use the engine onnxruntime.`,
  );
}

async function load(name: string, folder: string): Promise<Found> {
  // Node.js 23 has taken it out; the last release of the bindings calls it (tensorflow/tfjs#8609).
  const old = util as { isNullOrUndefined?: (value: unknown) => boolean };
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
  const require = createRequire(join(folder, 'package.json'));
  const tf = require(folder) as TensorFlow;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (name === '@tensorflow/tfjs') return inJavaScript(tf, { folder, name, version });
  await tf.ready();
  const backend = tf.backend() as { readonly isUsingGpuDevice?: boolean; readonly binding?: { readonly TF_Version?: string } };
  const library = backend.binding?.TF_Version;
  const built = name === '@tensorflow/tfjs-node-gpu' ? BUILT_FOR[library?.split('.').slice(0, 2).join('.') ?? ''] : undefined;
  const description = {
    engine: 'tensorflow' as const,
    package: `${name} ${version}`,
    folder,
    backend: tf.getBackend(),
    ...(library !== undefined && { library: `TensorFlow ${library}` }),
    ...(built !== undefined && { cuda: built }),
    gpu: backend.isUsingGpuDevice === true,
    threads: Number(process.env[THREADS]) || availableParallelism(),
  };
  return { tf, description, prepare: () => Promise.resolve() };
}

/** Without a native library: WebAssembly where its package lies beside, for what is not differentiated. */
async function inJavaScript(
  tf: TensorFlow,
  { folder, name, version }: { folder: string; name: string; version: string },
): Promise<Found> {
  const wasm = join(folder, '..', '..', WASM);
  const hasWasm = existsSync(join(wasm, 'package.json'));
  if (hasWasm) createRequire(join(folder, 'package.json'))(wasm);
  const backendFor = (differentiates: boolean) => (hasWasm && !differentiates ? 'wasm' : 'cpu');
  for (const backend of new Set([backendFor(true), backendFor(false)])) {
    if (!(await tf.setBackend(backend))) throw new Error(`its backend ${backend} cannot be used`);
  }
  const backend = hasWasm ? 'WebAssembly, training in plain JavaScript' : 'plain JavaScript';
  return {
    tf,
    description: { engine: 'tensorflow', package: `${name} ${version}`, folder, backend, gpu: false, threads: 1 },
    prepare: async (differentiates) => {
      await tf.setBackend(backendFor(differentiates));
    },
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .split('\n')[0]!
    .replace(/[\s.]+$/, '')
    .slice(0, 300);
}
