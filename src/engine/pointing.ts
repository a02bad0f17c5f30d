// The request `pointing`: whether the Grad-CAM maps of an evaluated model point at the objects, by the boxes of an annotation file.
import { type BoxNumbers, boxesOf } from '../dataset/boxes';
import { openAnnotations } from '../dataset/index-cache';
import { isDifficult, pointingOf, pointingReport } from '../metrics/pointing';
import { LabelscopeError } from '../protocol/errors';
import type { PointedCase, PointingParams, PointingResult } from '../protocol/looking';
import type { CountProgress, FailedFile } from '../protocol/messages';
import type { Context, Opening } from './context';
import type { Split } from './data';
import { splitOf } from './evaluate';
import { readStored } from './images';
import { type ReadImage, readRows, sampled } from './looking';
import { type MapSessions, mapsOf, see } from './maps';
import { writeAtomically } from './client/atomic';
import { runPaths } from './run/folder';
import type { Trained } from './trained';
import { uprightBoxes } from './upright';

const DEFAULT_SAMPLE = 500;

/**
 * Every true category of an image that has a box is a case; crowds' boxes are boxes.
 *
 * @throws LabelscopeError 'no-boxes', 'annotations-missing', 'write-failed'; OnnxError 'onnx-unsupported' where the network has no
 * convolutional stage to explain
 */
export async function pointing(
  params: PointingParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<PointingResult> {
  const { runtime, models, signal } = context;
  const { sample = DEFAULT_SAMPLE, seed = 0, tolerance = 0 } = params;
  return models.use(params.model, await context.device(params.device), async ({ trained, scoring, mapping }) => {
    const sessions = { runtime, mapping: await mapping(), scoring: await scoring() };
    const { split, name } = await splitOf(params, trained, context);
    const boxes = await boxesOfRows(split, context);
    if (boxes.size === 0) throw noBoxes(split.source.annotations);
    const rows = sampled([...boxes.keys()], sample, seed);
    const failed: FailedFile[] = [...split.failed];
    const cases: PointedCase[] = [];
    let withoutBox = 0;
    const task: Task = { trained, split, tolerance, sessions };
    for await (const image of readRows(rows, split.paths, failed, { ...trained.classifier, signal, emit })) {
      const found = await casesOf(image, boxes.get(image.row)!, task);
      withoutBox += labelsOf(split, image.row) - found.length;
      cases.push(...found);
    }
    const result: PointingResult = {
      model: trained.path,
      annotations: split.source.annotations,
      split: name,
      created: new Date().toISOString(),
      seed,
      images: rows.length,
      available: boxes.size,
      failed,
      tolerance,
      withoutBox,
      ...pointingReport(cases, trained.card.categories),
      cases,
    };
    return kept(result, trained, 'pointing');
  });
}

type Boxes = ReadonlyMap<number, readonly BoxNumbers[]>;

/** By row of the split and column of a category, where there is one at all. */
async function boxesOfRows({ set, source }: Split, { signal, runsFolder }: Opening): Promise<Map<number, Boxes>> {
  const index = await openAnnotations(source.annotations, { signal, runsFolder });
  const names = set.images.map(({ fileName }) => fileName);
  const byFile = await boxesOf(index, set.categories, names);
  return new Map(
    names.flatMap((name, row) => {
      const boxes = byFile.get(name);
      return boxes ? [[row, boxes] as const] : [];
    }),
  );
}

interface Task {
  readonly trained: Trained;
  readonly split: Split;
  readonly tolerance: number;
  readonly sessions: MapSessions;
}

async function casesOf(
  { row, path, pixels }: ReadImage,
  boxes: Boxes,
  { trained, split, tolerance, sessions }: Task,
): Promise<PointedCase[]> {
  const columns = [...boxes.keys()].sort((a, b) => a - b);
  const seen = await see(trained.classifier, pixels, sessions);
  const maps = await mapsOf(trained.classifier, seen, columns, sessions);
  const [declared, stored] = [split.set.images[row]!, await readStored(path)];
  return columns.flatMap((column, k) => {
    const upright = uprightBoxes(boxes.get(column)!, declared, stored);
    const found = pointingOf(maps[k]!, upright.boxes, upright.image, tolerance);
    if (!found) return [];
    const score = seen.probabilities[column]!;
    const predicted = score >= (trained.card.thresholds[column] ?? 0.5);
    const difficult = isDifficult(found, labelsOf(split, row));
    return [{ file: path, category: split.set.categories[column]!, score, predicted, difficult, ...found }];
  });
}

/** How many of the categories the image shows. */
function labelsOf({ set: { labels, categories } }: Split, row: number): number {
  const width = categories.length;
  return labels.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0);
}

function noBoxes(annotations: string): LabelscopeError {
  return new LabelscopeError(
    'no-boxes',
    `${annotations} gives no boxes (bbox) for the model's categories, so nothing tells where the objects are. Name a file with boxes.`,
  );
}

/** Written into the run's or import's folder, where there is one. */
export async function kept<T extends object>(
  result: T,
  { folder }: Trained,
  file: 'pointing' | 'sanity',
): Promise<T & { readonly savedTo?: string }> {
  if (folder === undefined) return result;
  await writeAtomically(runPaths(folder)[file], [JSON.stringify(result) + '\n']);
  return { ...result, savedTo: folder };
}
