// The request `diagnose`: what is wrong with an annotation file, each case at its place in the text.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatasetError, LocatedError } from '../dataset/errors';
import { type Fault, faultsOf } from '../dataset/faults';
import { findFiles } from '../dataset/image-files';
import { positionsOf, rangesOf } from '../dataset/places';
import { readAnnotations } from '../dataset/reader';
import type { CocoIndex } from '../dataset/types';
import type { DiagnoseParams, DiagnoseResult, Diagnostic } from '../protocol/health';
import type { Context } from './context';
import { checkSizes, countsOf } from './health-fix';
import { folderOf } from './health-report';

/** More of one kind nobody reads one by one. */
const EACH = 100;

/** A file that cannot be read as COCO has one diagnostic, where reading ended. Throws what reading its bytes throws. */
export async function diagnose(
  { annotations, images }: DiagnoseParams,
  { signal }: Pick<Context, 'signal'>,
): Promise<DiagnoseResult> {
  const path = resolve(annotations);
  const text = await readFile(path);
  const index = await readAnnotations(path, { signal }).catch((error: unknown) => unreadable(text, error));
  if ('diagnostics' in index) return index;
  const folder = (await folderOf(index, { explicit: images }))?.folder;
  const checks = await checkSizes(index, folder, { signal, onProgress: () => undefined });
  const faults = [...(await missing(index, folder)), ...(await faultsOf(index, checks, signal))];
  const counts = countsOf(faults);
  const shown = firstOfEach(faults);
  const ranges = rangesOf(text, shown);
  const diagnostics = shown.map(({ code, severity, message, repair }, k) => ({
    ...{ code, severity, message, fixable: repair !== undefined },
    ...ranges[k]!,
  }));
  return { diagnostics, counts };
}

function unreadable(text: Buffer, error: unknown): DiagnoseResult {
  if (!(error instanceof DatasetError) || !(error.cause instanceof LocatedError)) throw error;
  const { code, offset, message } = error.cause;
  const [start, end] = [offset, Math.min(offset + 1, text.length)];
  const positions = positionsOf(text, [start, end]);
  const diagnostic: Diagnostic = {
    ...{ code, severity: 'error', message, fixable: false },
    ...{ start: positions.get(start)!, end: positions.get(end)! },
  };
  return { diagnostics: [diagnostic], counts: { [code]: 1 } };
}

async function missing({ images }: CocoIndex, folder: string | undefined): Promise<Fault[]> {
  if (folder === undefined) return [];
  const files = await findFiles(
    images.map(({ fileName }) => fileName),
    folder,
  );
  return images.flatMap(({ fileName }, row): Fault[] => {
    const file = files.get(fileName)!;
    if (!('code' in file)) return [];
    const { code, message } = file;
    return [{ code, severity: 'error', section: 'images', row, field: 'file_name', message }];
  });
}

function firstOfEach(faults: readonly Fault[]): Fault[] {
  const counts = new Map<string, number>();
  return faults.filter(({ code }) => {
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    return count <= EACH;
  });
}
