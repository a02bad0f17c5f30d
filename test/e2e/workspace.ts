// What the tests of the editor find in its workspace: the drawn sample, and runs that were trained on it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineClient, engineClient } from '../../src/engine/client/engine';
import { ROOT } from './person';

/** Works with an engine of its own, as another program would. */
export async function withEngine(work: (engine: EngineClient) => Promise<void>): Promise<void> {
  const engine = engineClient({ script: join(ROOT, 'dist', 'engine.js'), onLog: () => undefined });
  await work(engine).finally(() => engine.stop());
}

/** Draws the sample into a folder and trains, one after the other, a run a name: `recipe` quick, on the processor. All are evaluated. */
export async function prepareWorkspace(folder: string, runs: readonly string[] = [], images?: number): Promise<void> {
  await withEngine(async (engine) => {
    const { trainAnnotations: annotations } = await engine.request('sample', { directory: folder, ...(images && { images }) });
    for (const [seed, name] of runs.entries()) {
      const run = join(folder, 'labelscope-runs', name);
      await engine.request('train', { annotations, run, recipe: 'quick', set: {}, device: 'cpu', seed, resume: false });
      await engine.request('evaluate', { model: run, device: 'cpu' });
    }
  });
}

/** The folder of the workspace's first run. */
export async function runFolder(folder: string): Promise<string> {
  // What begins with a dot is a cache.
  const [name] = (await readdir(join(folder, 'labelscope-runs'))).filter((one) => !one.startsWith('.'));
  return join(folder, 'labelscope-runs', name!);
}

/** The VSIX of what is built, made where there is none as new. */
export function packagedExtension(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const vsix = join(ROOT, `labelscope-${process.platform}-${process.arch}-${version}.vsix`);
  const built = statSync(join(ROOT, 'dist', 'extension.js')).mtimeMs;
  if (!existsSync(vsix) || statSync(vsix).mtimeMs < built)
    execFileSync(process.execPath, ['esbuild.mjs', 'package'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  return vsix;
}
