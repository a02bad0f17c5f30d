// The request `inspect`: an annotation file's numbers and findings, its image folder, and the validation file beside it.
import { resolve } from 'node:path';
import { findImageFolder } from '../dataset/images';
import { inspect } from '../dataset/inspect';
import { openAnnotations } from '../dataset/index-cache';
import type { CocoIndex } from '../dataset/types';
import type { CountProgress, DatasetReport, InspectParams, InspectProgress } from '../protocol/messages';
import { keepIndex } from './browse-index';
import { sizesOf } from './browse-sizes';
import type { Context } from './context';
import { healthOf } from './health-report';

/** Images that are looked for to find their folder. */
const SAMPLE = 20;
/** Between two tellings of how many images were looked at, in milliseconds. */
const INTERVAL = 100;

/** A folder that is not found is no failure: the report says so, and tells the rest. */
export async function inspectDataset(
  params: InspectParams,
  { signal }: Pick<Context, 'signal'>,
  emit: (progress: InspectProgress) => void,
): Promise<DatasetReport> {
  const path = resolve(params.annotations);
  const onProgress = (bytes: number, totalBytes: number) => emit({ bytes, totalBytes });
  const index = await openAnnotations(path, { signal, onProgress });
  if (params.keep) await keepIndex(index);
  const names = index.images.slice(0, SAMPLE).map(({ fileName }) => fileName);
  const explicit = params.images === undefined ? undefined : resolve(params.images);
  const found = await findImageFolder(path, names, explicit).catch((error: unknown) => {
    if (explicit !== undefined) throw error;
    return undefined;
  });
  const inspection = await inspect(index, { imageFolder: found?.folder, categories: params.categories, signal });
  const { bytes } = inspection;
  const health = await healthOf({ index, folder: found?.folder }, params, {
    signal,
    onProgress: sparingly((images) => emit({ bytes, totalBytes: bytes, images })),
  });
  const missing = found ? [] : [folderFinding(names)];
  return {
    ...inspection,
    findings: bySeverity([...missing, ...inspection.findings, ...health.findings]),
    imageFolderHow: found?.how ?? null,
    validation: health.validation,
    checkedImages: health.checkedImages,
    suggestedCheck: health.suggestedCheck,
    coOccurrence: coOccurrence(
      index,
      inspection.categories.map(({ name }) => name),
    ),
    sizes: sizesOf(index),
  };
}

/** Ten thousands of messages would cost more than the work that they tell of. */
export function sparingly(tell: (progress: CountProgress) => void): (progress: CountProgress) => void {
  let told = 0;
  return (progress) => {
    if (progress.done < progress.total && Date.now() - told < INTERVAL) return;
    told = Date.now();
    tell(progress);
  };
}

const SEVERITIES = ['error', 'warning', 'info'];

const bySeverity = (findings: DatasetReport['findings']) =>
  [...findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));

function folderFinding(examples: readonly string[]): DatasetReport['findings'][number] {
  return {
    code: 'image-folder-not-found',
    severity: 'error',
    message: 'The folder of the images was not found beside the annotation file.',
    remedy: 'Put the images there as COCO lays them out, or choose their folder when training starts (--images).',
    count: 1,
    examples: examples.slice(0, 3),
  };
}

/** categories × categories: images that show both. Repeated annotations of one image count once. */
function coOccurrence({ annotations, categories: records, images }: CocoIndex, names: readonly string[]): number[] {
  const column = Int32Array.from(records, ({ name }) => names.indexOf(name));
  const counts = new Array<number>(names.length ** 2).fill(0);
  const { first, next } = chained(annotations.image, images.length);
  // By category: the last image that was seen to show it, so that it counts once an image.
  const last = new Int32Array(names.length).fill(-1);
  for (let image = 0; image < images.length; image++) {
    const shown: number[] = [];
    for (let k = first[image]!; k >= 0; k = next[k]!) {
      const category = column[annotations.category[k]!] ?? -1;
      if (category < 0 || last[category] === image) continue;
      last[category] = image;
      shown.push(category);
    }
    for (const a of shown) for (const b of shown) counts[a * names.length + b]!++;
  }
  return counts;
}

/** The annotations of each image as a list through two columns: its first row, and each row's next one; -1 ends it. */
function chained(images: Int32Array, count: number): { readonly first: Int32Array; readonly next: Int32Array } {
  const [first, next] = [new Int32Array(count).fill(-1), new Int32Array(images.length)];
  for (let k = 0; k < images.length; k++) {
    const image = images[k]!;
    if (image < 0 || image >= count) continue;
    next[k] = first[image]!;
    first[image] = k;
  }
  return { first, next };
}
