// TensorFlow.js, added and removed: its package from npm's registry and TensorFlow's library from a wheel of Python's, put together and compiled on this machine.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabelscopeError } from '../protocol/errors';
import type { InstallProgress, InstallResult, RemoveResult, TensorFlowVariant } from '../protocol/install';
import type { DoctorReport } from '../protocol/messages';
import { addFolder, removeFolder, reportFolder, summed, whileArriving } from './added';
import { nodeHeaders, nodeOfPath } from './node-headers';
import { installedTensorFlow } from './runtime/tensorflow/find';
import { runTool } from './tool';

type Emit = (progress: InstallProgress) => void;

interface Variant {
  /** Of npm's registry. */
  readonly package: string;
  /** Of Python's index: what it is asked for by, and the checksum of the file that has to come. */
  readonly wheel: string;
  readonly sha256: string;
  /** About how many bytes come: the package unpacked, with all that it needs, and the wheel. It says how far that is. */
  readonly bytes: number;
}

const VERSION = '4.22.0';

/**
 * The package's own library (TensorFlow 2.9.1, for CUDA 11.2) comes from a host that is no package registry. The libraries of these wheels
 * have the same C interface; from 2.18 on, rounding of integers, which nothing here does, gives zeros.
 */
const VARIANTS: Readonly<Record<TensorFlowVariant, Variant>> = {
  tensorflow: {
    package: '@tensorflow/tfjs-node',
    wheel: 'tensorflow-cpu==2.15.1',
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    bytes: 288e6 + 207e6,
  },
  'tensorflow-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    wheel: 'tensorflow==2.18.1',
    sha256: 'c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828',
    bytes: 288e6 + 616e6,
  },
};

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** The only platform that these wheels, with these names of libraries, are for. */
const PLATFORM = 'linux-x64';

const TOOLS = {
  node: { args: ['--version'], remedy: 'install Node.js' },
  npm: { args: ['--version'], remedy: 'npm comes with Node.js' },
  python3: { args: ['-m', 'pip', '--version'], remedy: 'on Debian and Ubuntu: apt install python3 python3-pip' },
  'c++': { args: ['--version'], remedy: 'a C++ compiler; on Debian and Ubuntu: apt install build-essential' },
  make: { args: ['--version'], remedy: 'on Debian and Ubuntu: apt install build-essential' },
} as const;

/** @throws LabelscopeError 'install-unsupported', 'install-missing', 'install-failed', 'write-failed', 'cancelled' */
export async function installTensorFlow(what: TensorFlowVariant, signal: AbortSignal, emit: Emit): Promise<InstallResult> {
  if (`${process.platform}-${process.arch}` !== PLATFORM) {
    throw new LabelscopeError(
      'install-unsupported',
      `TensorFlow.js is set up on ${PLATFORM} alone, not on ${process.platform}-${process.arch}. Install @tensorflow/tfjs-node in a folder of your own, and name the folder in LABELSCOPE_TENSORFLOW.`,
    );
  }
  await checkTools(signal);
  const variant = VARIANTS[what];
  const dependencies = (folder: string) => librariesOf(folder, variant.package);
  const make = async (staging: string) => {
    await fetchPackage(staging, variant, signal, emit);
    await fetchLibrary(staging, variant, signal, emit);
    emit({ stage: 'building', bytes: 0 });
    await compileBinding(staging, variant.package, nodeHeaders(await nodeOfPath()), signal);
  };
  return addFolder({ folder: installedTensorFlow(), make, place: dependencies, files: LIBRARIES }, signal, emit);
}

/** Which lies where it was added, by its package's folder, whether it loads or not; undefined where none does. */
export function variantThere(): TensorFlowVariant | undefined {
  const variants = Object.keys(VARIANTS) as TensorFlowVariant[];
  return variants.find((what) => existsSync(join(installedTensorFlow(), 'node_modules', VARIANTS[what].package)));
}

/** Undefined where nothing was added. Reads its libraries whole. @throws the signal's reason */
export async function addedTensorFlow(signal: AbortSignal): Promise<DoctorReport['tensorflow']['added']> {
  const variant = variantThere() ?? 'tensorflow';
  const place = (folder: string) => librariesOf(folder, VARIANTS[variant].package);
  const report = await reportFolder({ folder: installedTensorFlow(), place }, signal);
  return report && { ...report, variant };
}

const librariesOf = (folder: string, name: string) => join(folder, 'node_modules', name, 'deps', 'lib');

export function removeTensorFlow(): Promise<RemoveResult> {
  return removeFolder(installedTensorFlow());
}

async function checkTools(signal: AbortSignal): Promise<void> {
  for (const [tool, { args, remedy }] of Object.entries(TOOLS)) {
    const failure = await runTool(tool, args, { signal });
    signal.throwIfAborted();
    if (failure === undefined) continue;
    const command = [tool, ...args.filter((arg) => arg !== '--version')].join(' ');
    throw new LabelscopeError(
      'install-missing',
      `TensorFlow.js is compiled on this machine, for which '${command}' is needed and does not run (${remedy}). Install it and try again; nothing was changed.`,
    );
  }
}

async function fetchPackage(staging: string, { package: name, bytes }: Variant, signal: AbortSignal, emit: Emit): Promise<void> {
  await writeFile(join(staging, 'package.json'), JSON.stringify({ private: true }));
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${VERSION}`];
  const fetching = runTool('npm', args, { cwd: staging, signal });
  await needed(`npm could not fetch ${name}`, whileArriving({ folder: staging, total: bytes }, emit, fetching));
}

/** Of the wheel, the two libraries and the headers that the binding is compiled with. */
async function fetchLibrary(staging: string, variant: Variant, signal: AbortSignal, emit: Emit): Promise<void> {
  const [wheels, unpacked] = [join(staging, 'wheel'), join(staging, 'unpacked')];
  await mkdir(wheels);
  const kind = ['--only-binary=:all:', '--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
  const from = ['--platform', 'manylinux_2_17_x86_64', '-d', wheels, variant.wheel];
  const args = ['-m', 'pip', 'download', '-q', '--no-deps', '--no-cache-dir', ...kind, ...from];
  // What pip has fetched so far lies there.
  const env = { TMPDIR: wheels };
  const download = runTool('python3', args, { cwd: staging, env, signal });
  const arriving = whileArriving({ folder: staging, total: variant.bytes }, emit, download);
  await needed(`pip could not fetch ${variant.wheel}`, arriving);
  const wheel = join(wheels, (await readdir(wheels)).find((name) => name.endsWith('.whl')) ?? '');
  emit({ stage: 'checking', bytes: 0 });
  await checkSum(wheel, variant, signal);
  emit({ stage: 'unpacking', bytes: 0 });
  await needed(`${variant.wheel} could not be unpacked`, runTool('python3', ['-c', UNPACK, wheel, unpacked], { signal }));
  const deps = join(staging, 'node_modules', variant.package, 'deps');
  await mkdir(join(deps, 'lib'), { recursive: true });
  await rename(join(unpacked, 'tensorflow', 'include'), join(deps, 'include'));
  for (const library of LIBRARIES) await rename(join(unpacked, 'tensorflow', library), join(deps, 'lib', library));
  const links = {
    'libtensorflow.so': LIBRARIES[0]!,
    'libtensorflow_framework.so': LIBRARIES[1]!,
    'libtensorflow.so.2.9.1': LIBRARIES[0]!,
  };
  for (const [name, library] of Object.entries(links)) await symlink(library, join(deps, 'lib', name));
  await Promise.all([wheels, unpacked].map((folder) => rm(folder, { recursive: true })));
}

const UNPACK = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
folders = ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/platform/', 'tsl/c/', 'xla/tsl/c/', 'xla/tsl/platform/')
headers = tuple('tensorflow/include/' + folder for folder in folders)
libraries = tuple('tensorflow/' + name for name in ('${LIBRARIES.join("', '")}'))
wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if n in libraries or (n.startswith(headers) and n.endswith('.h'))])
`;

async function checkSum(wheel: string, { wheel: name, sha256 }: Variant, signal: AbortSignal): Promise<void> {
  const { sha256: found } = await summed(wheel, signal);
  if (found === sha256) return;
  throw new LabelscopeError(
    'install-failed',
    `What came as ${name} has the SHA-256 ${found}, not ${sha256}, and was thrown away. Nothing was changed.`,
  );
}

/**
 * The package's own installer finds its library there, fetches none, and compiles the binding.
 *
 * @param headers Node's, where this machine has them; else they are fetched, into a folder that goes afterwards
 * @throws LabelscopeError 'install-failed'
 */
export async function compileBinding(
  staging: string,
  name: string,
  headers: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const fetched = join(staging, 'headers');
  const env = headers === undefined ? { npm_config_devdir: fetched } : { npm_config_nodedir: headers };
  const args = ['exec', '--no', '--', 'node-pre-gyp', 'install', '--build-from-source'];
  const failure = await runTool('npm', args, { cwd: join(staging, 'node_modules', name), env, signal });
  // Where they do not come, node-gyp takes away again what it has made within that folder.
  if (failure !== undefined && existsSync(fetched) && (await readdir(fetched)).length === 0) {
    throw new LabelscopeError(
      'install-failed',
      `Node's headers, with which TensorFlow.js is compiled, are not on this machine and could not be fetched from Node's site (${failure}). Check the connection (HTTPS_PROXY names a proxy), or name a folder with include/node/node.h in npm_config_nodedir (on Debian and Ubuntu: apt install libnode-dev, then /usr), and try again. Nothing was changed.`,
    );
  }
  if (failure !== undefined) throw notDone('The binding of TensorFlow.js could not be compiled', failure);
  await rm(fetched, { recursive: true, force: true });
}

async function needed(what: string, work: Promise<string | undefined>): Promise<void> {
  const failure = await work;
  if (failure !== undefined) throw notDone(what, failure);
}

function notDone(what: string, why: string): LabelscopeError {
  return new LabelscopeError('install-failed', `${what} (${why}). Nothing was changed.`);
}
