// What the studies of load work with: runs and images.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { engineClient } from '../../src/engine/client/engine';
import { writeTinyData } from '../support/data';
import { ENGINE, trainParams, writeTinyBackbone } from '../support/tiny';

export interface Prepared {
  readonly annotations: string;
  readonly backbone: string;
  /** Run folders. */
  readonly models: readonly string[];
  readonly images: readonly string[];
}

/** An engine keeps two models open. */
const MODELS = 3;

/** A tiny network, and runs in which its head has learned for a few epochs. */
export async function prepareTiny(folder: string): Promise<Prepared> {
  const { train: annotations, trainImages } = await writeTinyData(folder);
  const backbone = join(folder, 'tiny.onnx');
  await writeTinyBackbone(backbone);
  const models = Array.from({ length: MODELS }, (_, k) => join(folder, `run-${k}`));
  const engine = engineClient({ script: ENGINE, onLog: () => undefined });
  try {
    for (const [seed, run] of models.entries())
      await engine.request('train', trainParams(annotations, backbone, run, { recipe: 'quick', seed, set: { epochs: '5' } }));
  } finally {
    await engine.stop();
  }
  const images = (await readdir(trainImages)).sort().map((name) => join(trainImages, name));
  return { annotations, backbone, models, images };
}
