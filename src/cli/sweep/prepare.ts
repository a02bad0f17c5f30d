// What has to be there before the first job: the plan, and the files of the folds.
import { rm, stat } from 'node:fs/promises';
import { openAnnotations } from '../../dataset/index-cache';
import { makeFolder } from '../../engine/client/atomic';
import { LabelscopeError } from '../../protocol/errors';
import { countedFile } from '../io';
import type { Session } from '../verb';
import { UsageError } from '../usage';
import { foldFiles, foldsFolder } from './jobs';
import { continued, readPlan, type Sweep, type SweepAsked, type SweepPlan, sweepOf, writePlan } from './plan';

/**
 * The sweep of a folder: a new one, or the one that lies there with what is asked now.
 * @throws UsageError, LabelscopeError 'sweep-unreadable', 'sweep-newer', 'dataset-changed', 'image-folder-not-found', 'write-failed'; DatasetError
 */
export async function prepareSweep(folder: string, asked: Partial<SweepAsked>, session: Session): Promise<Sweep> {
  const before = await readPlan(folder);
  const wanted = before ? continued(folder, before, asked) : whole(folder, asked);
  const { fingerprint } = await openAnnotations(wanted.annotations, { signal: session.signal });
  if (before && before.fingerprint !== fingerprint)
    throw new LabelscopeError(
      'dataset-changed',
      `${wanted.annotations} is no longer the file that the sweep in ${folder} was begun with, and runs on other data cannot be compared with its own. Put the old file back, or choose another --out.`,
    );
  await makeFolder(folder);
  const images = await writeFolds(folder, wanted, session);
  const plan = await writePlan(folder, images === undefined ? wanted : { ...wanted, images }, fingerprint);
  return sweepOf(folder, plan);
}

function whole(
  folder: string,
  { annotations, recipes = ['quick'], seeds = [0], set = {}, device = 'auto', ...rest }: Partial<SweepAsked>,
): SweepAsked {
  if (annotations === undefined)
    throw new UsageError(
      `${folder} holds no sweep yet: name the annotation file to begin one, labelscope sweep ANNOTATIONS --out DIR.`,
    );
  return { annotations, recipes, seeds, set, device, ...rest };
}

/** All files of the folds or, where some are missing, all anew: the same seed, the same files. Answers the folder of their images. */
async function writeFolds(
  folder: string,
  { annotations, images, folds }: SweepAsked,
  session: Session,
): Promise<string | undefined> {
  if (folds === undefined) return images;
  const files = Array.from({ length: folds }, (_, k) => foldFiles(folder, k + 1)).flat();
  const there = await Promise.all(files.map(isThere));
  if (images !== undefined && there.every(Boolean)) return images;
  await Promise.all(files.map((file) => rm(file, { force: true })));
  const { io, engine, signal } = session;
  io.note(`Dividing ${annotations} into ${folds} folds …`);
  const params = {
    annotations,
    out: foldsFolder(folder),
    parts: { kind: 'folds', folds },
    seed: 0,
    ...(images !== undefined && { images }),
  } as const;
  const { imageFolder } = await engine.request('split', params, {
    signal,
    onProgress: countedFile(io, 'Copying'),
  });
  if (imageFolder !== null) return imageFolder;
  throw new LabelscopeError(
    'image-folder-not-found',
    `The images of ${annotations} were not found beside it. Name their folder with --images.`,
  );
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The sweep as it was planned, for one of its jobs or its table. @throws UsageError, LabelscopeError 'sweep-unreadable', 'sweep-newer' */
export async function plannedSweep(folder: string): Promise<Sweep> {
  const plan: SweepPlan | undefined = await readPlan(folder);
  if (!plan)
    throw new UsageError(`${folder} holds no sweep: there is no sweep.json. Give the folder that --out named when it was begun.`);
  return sweepOf(folder, plan);
}
