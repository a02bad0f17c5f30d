// A run is a folder: what it was told, how it went, where it stands, and the model it made.
import { appendFile, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabelscopeError, unwritten } from '../../protocol/errors';
import type { HistoryPoint } from '../../protocol/messages';
import type { RunRecord } from '../../protocol/run';
import { EVALUATION, factsName, HISTORY, IMPORT_RECORD, readHistory, RECORD, scoresName } from '../client/folder';
import { POINTING, SANITY } from '../client/looking';
import { makeFolder, TEMPORARY, writeAtomically } from '../client/atomic';

export interface RunPaths {
  readonly folder: string;
  readonly record: string;
  readonly imported: string;
  readonly history: string;
  readonly checkpoint: string;
  /** Pooled features, in blocks of images. */
  features(split: string, block: number): string;
  readonly model: string;
  readonly evaluation: string;
  scores(split: string): string;
  facts(split: string): string;
  /** Whether its maps point at the objects, and whether they depend on its weights. */
  readonly pointing: string;
  readonly sanity: string;
}

export function runPaths(folder: string): RunPaths {
  return {
    folder,
    record: join(folder, RECORD),
    imported: join(folder, IMPORT_RECORD),
    history: join(folder, HISTORY),
    checkpoint: join(folder, 'checkpoint', 'state.safetensors'),
    features: (split, block) => join(folder, 'checkpoint', `features.${split}.${block}.safetensors`),
    model: join(folder, 'model.onnx'),
    evaluation: join(folder, EVALUATION),
    scores: (split) => join(folder, scoresName(split)),
    pointing: join(folder, POINTING),
    sanity: join(folder, SANITY),
    facts: (split) => join(folder, factsName(split)),
  };
}

/** @throws LabelscopeError 'run-exists' where the folder already holds a run */
export async function checkFree(folder: string): Promise<void> {
  const paths = runPaths(folder);
  if (await exists(paths.record)) {
    throw new LabelscopeError(
      'run-exists',
      `${folder} already holds a run. Continue it with --resume, or choose another folder with --run.`,
    );
  }
  for (const path of [paths.history, paths.checkpoint, paths.features('train', 0), paths.model]) {
    if (await exists(path))
      throw new LabelscopeError(
        'run-exists',
        `${folder} holds ${path} of a run without run.json. Choose another folder with --run.`,
      );
  }
}

/** @throws LabelscopeError 'run-exists', 'write-failed' */
export async function createRunFolder(folder: string): Promise<RunPaths> {
  await checkFree(folder);
  const paths = runPaths(folder);
  for (const place of [folder, dirname(paths.checkpoint)]) await makeFolder(place);
  return paths;
}

/** Removes what a killed process left half-written. Only for who holds the run. */
export async function removeLeftovers({ folder, checkpoint }: RunPaths): Promise<void> {
  for (const place of [folder, dirname(checkpoint)]) {
    const names = await readdir(place).catch(() => []);
    for (const name of names) if (TEMPORARY.test(name)) await rm(join(place, name), { force: true });
  }
}

export async function writeRecord(paths: RunPaths, record: RunRecord): Promise<void> {
  await writeAtomically(paths.record, [JSON.stringify(record, null, 2) + '\n']);
}

/**
 * Appends points, one JSON line each.
 *
 * @throws LabelscopeError 'write-failed'
 */
export async function appendHistory(paths: RunPaths, points: readonly HistoryPoint[]): Promise<void> {
  const lines = points.map((point) => JSON.stringify(point) + '\n').join('');
  await appendFile(paths.history, lines).catch((error: unknown) => {
    throw unwritten(paths.history, error);
  });
}

/** Before a checkpoint: a power cut may not leave the checkpoint and take the history that leads to it. */
export async function syncHistory(paths: RunPaths): Promise<void> {
  const file = await open(paths.history, 'a');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The history up to and including an iteration: what a resumed run continues. Lines cut by a crash are dropped. */
export async function rewindHistory(paths: RunPaths, lastIteration: number): Promise<HistoryPoint[]> {
  const points = (await readHistory(paths.folder)).filter(({ iteration }) => iteration <= lastIteration);
  await writeAtomically(paths.history, [points.map((point) => JSON.stringify(point) + '\n').join('')]);
  return points;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
