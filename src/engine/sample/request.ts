// The engine's request `sample`: makes the sample data set from the drawings that lie beside the engine's bundle.
import { join } from 'node:path';
import type { CountProgress, SampleParams, SampleResult } from '../../protocol/messages';
import type { Context } from '../context';
import { writeSample } from './compose';

/** @throws what `writeSample` throws. */
export function sample(
  { directory, ...options }: SampleParams,
  { signal }: Pick<Context, 'signal'>,
  emit: (progress: CountProgress) => void,
): Promise<SampleResult> {
  const iconsFile = join(__dirname, 'assets', 'sample-icons.json');
  return writeSample(directory, { ...options, iconsFile, signal, onProgress: emit });
}
