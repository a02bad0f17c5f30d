// The request `inspect`: an annotation file's numbers and findings, its image folder, and the validation file beside it.
import { resolve } from 'node:path';
import { inspect } from '../dataset/inspect';
import { openAnnotations } from '../dataset/index-cache';
import { sampleOf } from '../dataset/images';
import type { CocoIndex } from '../dataset/types';
import type { CheckParams, CheckResult } from '../protocol/health';
import type { DatasetReport, InspectParams, InspectProgress } from '../protocol/messages';
import { isDone, sparingly } from '../protocol/sparingly';
import { keepIndex } from './browse-index';
import { sizesOf } from './browse-sizes';
import type { Opening } from './context';
import { folderOf, healthOf } from './health-report';

type Emit = (progress: InspectProgress) => void;

/** A folder that is not found is no failure: the report says so, and tells the rest. */
export async function inspectDataset(params: InspectParams, opening: Opening, emit: Emit): Promise<DatasetReport> {
  const { index, inspection, health, how } = await look(params, opening, emit);
  return {
    ...inspection,
    ...health,
    imageFolderHow: how ?? null,
    coOccurrence: coOccurrence(
      index,
      inspection.categories.map(({ name }) => name),
    ),
    sizes: sizesOf(index),
  };
}

/** Of the same report, what a closer look at the image files changes. */
export async function checkDataset(params: CheckParams, opening: Opening, emit: Emit): Promise<CheckResult> {
  const { index, health } = await look(params, opening, emit);
  const { findings, validation, checkedImages } = health;
  return { fingerprint: index.fingerprint, findings, validation, checkedImages };
}

async function look(params: InspectParams, { signal, runsFolder }: Opening, emit: Emit) {
  const onProgress = (bytes: number, totalBytes: number) => emit({ bytes, totalBytes });
  const index = await openAnnotations(resolve(params.annotations), { signal, runsFolder, onProgress });
  if (params.keep) await keepIndex(index);
  const found = await folderOf(index, { explicit: params.images === undefined ? undefined : resolve(params.images) });
  const inspection = await inspect(index, { imageFolder: found?.folder, categories: params.categories, signal });
  const { bytes } = inspection;
  const onImages = sparingly((images) => emit({ bytes, totalBytes: bytes, images }), isDone);
  const health = await healthOf({ index, folder: found?.folder }, params, { signal, runsFolder, onProgress: onImages });
  const missing = found ? [] : [folderFinding(sampleOf(index.images))];
  const findings = bySeverity([...missing, ...inspection.findings, ...health.findings]);
  return { index, inspection, health: { ...health, findings }, how: found?.how };
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
