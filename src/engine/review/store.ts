// The requests `openReview` and `decide`: what is kept of the review of an annotation file, in a folder beside the runs, by the file's fingerprint.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type DecisionsFile, readDecisions } from '../../dataset/decisions';
import { openAnnotations } from '../../dataset/index-cache';
import { decidedAfter, type DecideParams, type Review, type ReviewKey, type SuspectsResult } from '../../protocol/review';
import { DECISIONS, decisionsIn, REVIEW_FORMAT, SUSPECTS, suspectsIn } from '../client/reviews';
import type { Opening } from '../context';
import { makeFolder, writeAtomically } from '../client/atomic';

/** NAME.FINGERPRINT.suspects.json and NAME.FINGERPRINT.decisions.json */
function pathsOf({ annotations, folder }: ReviewKey, fingerprint: string) {
  const stem = join(resolve(folder), `${nameOf(annotations)}.${fingerprint.slice(0, 16)}`);
  return { suspects: `${stem}${SUSPECTS}`, decisions: `${stem}${DECISIONS}` };
}

const nameOf = (annotations: string) => basename(annotations).replace(/(\.json)?(\.gz)?$/i, '');

/** @throws DatasetError, also where the decisions were damaged: they are a person's work and are not written over */
export async function openReview(key: ReviewKey, { signal, runsFolder }: Opening): Promise<Review> {
  const annotations = resolve(key.annotations);
  const { fingerprint } = await openAnnotations(annotations, { signal, runsFolder });
  const paths = pathsOf(key, fingerprint);
  return {
    fingerprint,
    result: await readResult(paths.suspects, annotations, fingerprint),
    decisions: await decisionsIn(paths.decisions),
    file: paths.decisions,
    earlier: await earlierReview(key, paths.decisions),
  };
}

/** A list that is damaged, or of a copy of the file in another place, is found anew. */
async function readResult(path: string, annotations: string, fingerprint: string): Promise<SuspectsResult | null> {
  const result = suspectsIn(await readFile(path, 'utf8').catch(() => ''));
  return result?.annotations === annotations && result.fingerprint === fingerprint ? result : null;
}

/** The newest decisions on another content of the same file. */
async function earlierReview({ annotations, folder }: ReviewKey, current: string): Promise<Review['earlier']> {
  const names = await readdir(resolve(folder)).catch(() => []);
  const others = names
    .filter((name) => name.startsWith(`${nameOf(annotations)}.`) && name.endsWith(DECISIONS))
    .map((name) => join(resolve(folder), name))
    .filter((path) => path !== current);
  const dated = await Promise.all(others.map(async (path) => ({ path, time: (await stat(path)).mtimeMs })));
  for (const { path } of dated.sort((a, b) => b.time - a.time)) {
    const file = await readDecisions(path).catch(() => undefined);
    if (file?.annotations === resolve(annotations) && file.decisions.length > 0) return { file: path, decisions: file.decisions };
  }
  return null;
}

export async function keepResult(key: ReviewKey, result: SuspectsResult): Promise<void> {
  await makeFolder(key.folder);
  await writeAtomically(pathsOf(key, result.fingerprint).suspects, [JSON.stringify({ format: REVIEW_FORMAT, result })]);
}

/** Reads, changes and writes: one after the other. */
let last: Promise<unknown> = Promise.resolve();

/** @throws LabelscopeError 'write-failed'; DatasetError where the decisions were damaged */
export async function decide(params: DecideParams): Promise<null> {
  const turn = last.then(() => keepDecisions(params));
  last = turn.catch(() => undefined);
  await turn;
  return null;
}

async function keepDecisions({ annotations, folder, fingerprint, changes }: DecideParams): Promise<void> {
  const { decisions: path } = pathsOf({ annotations, folder }, fingerprint);
  const decisions = decidedAfter(await decisionsIn(path), changes);
  await makeFolder(dirname(path));
  const file: DecisionsFile = {
    format: REVIEW_FORMAT,
    annotations: resolve(annotations),
    fingerprint,
    decisions,
  };
  await writeAtomically(path, [JSON.stringify(file, null, 1) + '\n']);
}
