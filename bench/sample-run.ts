// Data, a run and an image for the benchmarks that need them, where nobody names any: the sample data set, trained with the recipe quick.
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineClient } from '../src/engine/client/engine';
import type { Device } from '../src/engine/runtime/messages';

export interface SampleRun {
  /** Holds the data set and the run; the caller removes it. */
  readonly folder: string;
  readonly run: string;
  readonly image: string;
}

/** Answers the folder, which the caller removes, and its annotation file. */
export async function drawSample(): Promise<{ folder: string; annotations: string }> {
  const folder = await newFolder();
  const engine = startEngine();
  try {
    const { trainAnnotations } = await engine.request('sample', { directory: join(folder, 'sample') });
    return { folder, annotations: trainAnnotations };
  } finally {
    await engine.stop();
  }
}

const newFolder = () => mkdtemp(join(tmpdir(), 'labelscope-bench-'));
const startEngine = () => engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });

export async function trainSampleRun(device: Device): Promise<SampleRun> {
  const folder = await newFolder();
  const engine = startEngine();
  try {
    const sample = await engine.request('sample', { directory: join(folder, 'sample') });
    const run = join(folder, 'run');
    const params = { annotations: sample.trainAnnotations, validation: sample.validationAnnotations, set: {}, seed: 0 };
    await engine.request('train', { ...params, recipe: 'quick', device, run, resume: false });
    const [image] = (await readdir(join(folder, 'sample', 'val'))).sort();
    return { folder, run, image: join(folder, 'sample', 'val', image!) };
  } finally {
    await engine.stop();
  }
}
