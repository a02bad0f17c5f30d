// ONNX Runtime's CUDA provider, added and removed: in a copy of ONNX Runtime of its own, outside of Labelscope's folder.
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { libraryFile, whyNoCuda } from '../platform';
import { LabelscopeError } from '../protocol/errors';
import type { FetchedPackage, InstalledReport, InstallProgress, InstallResult, RemoveResult } from '../protocol/install';
import { addFolder, removeFolder, reportFolder } from './added';
import { forgetDevice } from './devices';
import { cudaPackage, librariesOf, shippedPackage } from './runtime/installed';
import { runTool } from './tool';
import type { InstallerMessage } from './watch-installer';

type Emit = (progress: InstallProgress) => void;

/** ONNX Runtime's library opens them by these names, beside itself. */
const PROVIDERS = ['onnxruntime_providers_shared', 'onnxruntime_providers_cuda'].map((name) => libraryFile(name));
const FOLDER_INSTEAD =
  "Or give a folder that holds the provider of ONNX Runtime's GPU package for C++ or Python: labelscope doctor --install cuda --from DIR.";

/** @throws LabelscopeError 'install-unsupported', 'install-missing', 'install-failed', 'write-failed', 'cancelled' */
export async function installCuda(from: string | undefined, signal: AbortSignal, emit: Emit): Promise<InstallResult> {
  const against = whyNoCuda();
  if (against !== undefined) throw new LabelscopeError('install-unsupported', against);
  let fetched: FetchedPackage | undefined;
  const make = async (staging: string) => {
    await copyPackage(staging);
    if (from === undefined) fetched = await fetchProvider(staging, signal, emit);
    else await copyProvider(from, librariesOf(staging));
  };
  const result = await addFolder({ folder: cudaPackage(), place: librariesOf, make, files: PROVIDERS }, signal, emit);
  forgetDevice('cuda');
  return { ...result, ...(fetched && { package: fetched }) };
}

export async function removeCuda(): Promise<RemoveResult> {
  const result = await removeFolder(cudaPackage());
  forgetDevice('cuda');
  return result;
}

/** Undefined where nothing was added. Reads its files whole: half a second. @throws the signal's reason */
export function addedCuda(signal: AbortSignal): Promise<InstalledReport | undefined> {
  return reportFolder({ folder: cudaPackage(), place: librariesOf }, signal);
}

/** The shipped package with this platform's libraries, and the one that it needs. */
async function copyPackage(to: string): Promise<void> {
  const shipped = shippedPackage();
  await copyFile(join(shipped, 'package.json'), join(to, 'package.json'));
  await cp(join(shipped, 'dist'), join(to, 'dist'), { recursive: true });
  await cp(librariesOf(shipped), librariesOf(to), { recursive: true });
  // Its package.json cannot be asked for; dist/cjs/index.js can.
  const common = createRequire(join(shipped, 'package.json')).resolve('onnxruntime-common');
  await cp(join(common, '..', '..', '..'), join(to, 'node_modules', 'onnxruntime-common'), { recursive: true });
}

async function copyProvider(from: string, to: string): Promise<void> {
  for (const name of PROVIDERS) {
    const source = join(from, name);
    if (!existsSync(source)) {
      throw new LabelscopeError(
        'install-missing',
        `${from} holds no ${name}. Choose the folder of ONNX Runtime's CUDA provider (in Python's package: onnxruntime/capi).`,
      );
    }
    await copyFile(source, join(to, name));
  }
}

/** Runs ONNX Runtime's installer, which puts files beside itself: into ../bin/napi-v6. */
async function fetchProvider(folder: string, signal: AbortSignal, emit: Emit): Promise<FetchedPackage> {
  const [script, temporary] = [join(folder, 'script', 'install.js'), join(folder, 'tmp')];
  await Promise.all([mkdir(dirname(script)), mkdir(temporary)]);
  await copyFile(join(__dirname, 'install-onnxruntime.js'), script);
  const own = {
    ELECTRON_RUN_AS_NODE: '1',
    // All that the platform has, which is CUDA 12's. By its name it is taken for no choice at all, and under `npm run` nothing is fetched then.
    ONNXRUNTIME_NODE_INSTALL: 'true',
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
  };
  let fetched: FetchedPackage | undefined;
  const onMessage = (message: unknown) => {
    const told = message as InstallerMessage;
    if ('stage' in told) emit(told);
    else fetched = told;
  };
  const args = [join(__dirname, 'watch-installer.js'), script];
  const failure = await runTool(process.execPath, args, { env: { ...proxies(), ...own }, signal, reasonIn, onMessage });
  signal.throwIfAborted();
  // Behind a proxy that refuses, it was seen to end as if all were well.
  if (failure !== undefined || !fetched || !PROVIDERS.every((name) => existsSync(join(librariesOf(folder), name)))) {
    throw new LabelscopeError(
      'install-failed',
      `ONNX Runtime's installer could not fetch its CUDA provider (${failure ?? 'it ended early'}). Check the connection (HTTPS_PROXY names a proxy) and try again. ${FOLDER_INSTEAD}`,
    );
  }
  await rm(temporary, { recursive: true, force: true });
  return fetched;
}

/** The installer's own names of the usual variables. */
function proxies(): NodeJS.ProcessEnv {
  const { HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy } = process.env;
  const [proxy, none] = [HTTPS_PROXY ?? https_proxy, NO_PROXY ?? no_proxy];
  return {
    ...(proxy !== undefined && { GLOBAL_AGENT_HTTPS_PROXY: proxy }),
    ...(none !== undefined && { GLOBAL_AGENT_NO_PROXY: none }),
  };
}

/** Of what Node prints of an error that nobody caught: the error's own words. */
function reasonIn(words: string): string {
  const reason = /^\w*Error(?: \[\w+\])?: (.*)$/m.exec(words)?.[1] ?? words;
  return reason.replace(/\s+/g, ' ').trim().slice(0, 600);
}
