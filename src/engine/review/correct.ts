// The request `correct`: a copy of an annotation file in which the accepted suggestions are carried out, with a log of what was changed.
import { resolve } from 'node:path';
import { type Corrections, correctionsOf, writeCorrected } from '../../dataset/correct';
import { type DecisionsFile, readDecisions } from '../../dataset/decisions';
import { openAnnotations } from '../../dataset/index-cache';
import { distinctImages } from '../../dataset/labels';
import type { CocoIndex } from '../../dataset/types';
import { LabelscopeError } from '../../protocol/errors';
import type { CountProgress } from '../../protocol/messages';
import type { ChangeLog, CorrectParams, CorrectResult, LabelChange } from '../../protocol/review';
import type { Opening } from '../context';
import { checkImages } from '../health';
import { newName } from '../health-fix';
import { folderOf, pathsOf } from '../health-report';

/** @throws LabelscopeError 'dataset-changed', 'nothing-to-correct', 'out-compressed'; DatasetError of decisions and files */
export async function correctLabels(
  params: CorrectParams,
  { signal, runsFolder }: Opening,
  emit: (progress: CountProgress) => void,
): Promise<CorrectResult> {
  const onProgress = (done: number, total: number) => emit({ done, total });
  const file = await decisionsOf(params);
  const index = await openAnnotations(resolve(params.annotations), { signal, runsFolder, onProgress });
  checkContent(index, file);
  const corrections = correctionsOf(index, file.decisions);
  const { changes, already } = corrections;
  if (changes.length === 0) throw nothingToCorrect(index.path);
  const path = await outOf(params, index.path);
  const log = path.replace(/(\.json)?$/i, '.changes.json');
  const logText = JSON.stringify(logOf(index, corrections, path), null, 2) + '\n';
  const sizes = await missingSizes(index, params, corrections, signal);
  const annotationsRemoved = await writeCorrected(index, changes, { out: path, log, logText }, { sizes, signal, onProgress });
  const removed = changes.filter(({ to }) => to === 'absent').length;
  const count = (verdict: string) => file.decisions.filter(({ decision }) => decision === verdict).length;
  return {
    ...{ path, log, removed, annotationsRemoved, already },
    added: changes.length - removed,
    rejected: count('reject'),
    skipped: count('skip'),
  };
}

async function decisionsOf({ decisions, fingerprint }: CorrectParams): Promise<DecisionsFile> {
  if (typeof decisions === 'string') return readDecisions(resolve(decisions));
  return { decisions, ...(fingerprint !== undefined && { fingerprint }) };
}

function checkContent({ path, fingerprint }: CocoIndex, file: DecisionsFile): void {
  if (file.fingerprint === undefined || file.fingerprint === fingerprint) return;
  throw new LabelscopeError(
    'dataset-changed',
    `${path} is not the file that was reviewed: it has changed. Put the old one back, or review this one. ` +
      '(A file of decisions without "fingerprint" is applied to whatever file is named.)',
  );
}

function nothingToCorrect(path: string): LabelscopeError {
  return new LabelscopeError('nothing-to-correct', `No accepted suggestion changes a label of ${path}: no copy was written.`);
}

async function outOf({ out }: CorrectParams, annotations: string): Promise<string> {
  if (out === undefined) return newName(annotations, 'reviewed');
  if (!/\.gz$/i.test(out)) return resolve(out);
  throw new LabelscopeError('out-compressed', `The corrected copy is written as plain JSON: name it without .gz, not ${out}.`);
}

function logOf({ path, fingerprint }: CocoIndex, { changes }: Corrections, corrected: string): ChangeLog {
  const now = new Date().toISOString();
  const lines = changes.map(({ decision: { image, category, score = null, date = now }, to }): LabelChange => {
    const present = to === 'present';
    return { image, category, from: present ? 0 : 1, to: present ? 1 : 0, score, date, by: 'review' };
  });
  return { annotations: path, fingerprint, corrected, changes: lines };
}

/** Of images that gain a label and whose record does not say their size, that of the file where it can be read. */
async function missingSizes(
  index: CocoIndex,
  { images: folder }: CorrectParams,
  { changes }: Corrections,
  signal: AbortSignal,
): Promise<Map<number, { width: number; height: number }>> {
  const { images, rowOfImage } = distinctImages(index);
  const unknown = (row: number) => !(images[row]!.width > 0 && images[row]!.height > 0);
  const rows = [...new Set(changes.flatMap(({ image, to }) => (to === 'present' && unknown(image) ? image : [])))];
  if (rows.length === 0) return new Map();
  const found = await folderOf(index, { explicit: folder === undefined ? undefined : resolve(folder) });
  const paths = await pathsOf({ index, folder: found?.folder });
  const files = rows.map((row) => paths[rowOfImage.indexOf(row)]);
  const checks = await checkImages(files, 'headers', { signal, onProgress: () => undefined });
  return new Map(rows.flatMap((row, k) => (checks[k] && checks[k].width > 0 ? [[row, checks[k]] as const] : [])));
}
