// The request `explain`: Grad-CAM maps of images, and overlays at the images' own size.
import { mkdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { IMAGE, PROBABILITIES } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import { buildGradCam, MAPS, SELECTION } from '../onnx/gradcam';
import type { Tensor } from '../onnx/model';
import { LabelscopeError } from '../protocol/errors';
import type { CountProgress, ExplainedMap, ExplainParams, ExplainResult } from '../protocol/messages';
import { colormapOf } from './colormap';
import type { Context } from './context';
import { imageFiles } from './image-files';
import { readFullSize, readPixels } from './images';
import { drawOverlay } from './overlay';
import { targetOf } from './runtime/messages';
import { openTrained, scoreFiles, type Trained } from './trained';

type Explained = ExplainResult['images'][number];

export async function explain(
  params: ExplainParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<ExplainResult> {
  const files = await imageFiles(params.files);
  const trained = await openTrained(params.model);
  const device = await context.device(params.device);
  const { runtime, signal } = context;
  checkCategories(params, trained);
  const scores = await scoreFiles(trained, files, { runtime, device, signal, onProgress: () => undefined });
  const sessions = mapSessions((count) =>
    runtime.load(encodeModel(buildGradCam(trained.classifier, count, targetOf(device.device))), device),
  );
  const images: Explained[] = [];
  const draw = params.out === undefined ? undefined : overlayDrawer(resolve(params.out), params);
  try {
    for (const [done, { path, scores: row }] of scores.scored.entries()) {
      signal.throwIfAborted();
      const categories = params.categories ?? shownCategories(trained, row);
      const maps = await mapsOf(trained, path, categories, async (count, feeds) => runtime.run(await sessions.of(count), feeds));
      images.push({ file: path, maps: draw ? await draw(path, maps) : maps });
      emit({ done: done + 1, total: files.length });
    }
  } finally {
    for (const session of await sessions.all()) await runtime.release({ session });
  }
  return { model: trained.path, images, failed: scores.failed };
}

function checkCategories({ categories = [] }: ExplainParams, { card }: Trained): void {
  const unknown = categories.find((name) => !card.categories.includes(name));
  if (unknown === undefined) return;
  throw new LabelscopeError(
    'category-unknown',
    `The model knows no category '${unknown}'. It knows: ${card.categories.join(', ')}.`,
  );
}

/** What prediction would say, or the likeliest category where it would say nothing. */
function shownCategories({ card }: Trained, scores: Float32Array): string[] {
  const labels = card.categories.filter((_, k) => scores[k]! >= (card.thresholds[k] ?? 0.5));
  return labels.length > 0 ? labels : [card.categories[scores.indexOf(Math.max(...scores))]!];
}

/** One session for each number of categories that is asked for at once. */
function mapSessions(load: (count: number) => Promise<number>): {
  of(count: number): Promise<number>;
  all(): Promise<number[]>;
} {
  const sessions = new Map<number, Promise<number>>();
  return {
    of: (count) => {
      const session = sessions.get(count) ?? load(count);
      sessions.set(count, session);
      return session;
    },
    all: async () => {
      const settled = await Promise.allSettled(sessions.values());
      return settled.flatMap((session) => (session.status === 'fulfilled' ? [session.value] : []));
    },
  };
}

type RunMaps = (count: number, feeds: Record<string, Tensor>) => Promise<Readonly<Record<string, Tensor>>>;

async function mapsOf(
  { classifier, card }: Trained,
  path: string,
  categories: readonly string[],
  run: RunMaps,
): Promise<ExplainedMap[]> {
  const { width, height } = classifier;
  const pixels = await readPixels(path, width, height);
  const selection = new Float32Array(categories.length * card.categories.length);
  const columns = categories.map((name) => card.categories.indexOf(name));
  columns.forEach((column, row) => (selection[row * card.categories.length + column] = 1));
  const outputs = await run(categories.length, {
    [IMAGE]: { type: 'uint8', dims: [1, height, width, 3], data: pixels.data },
    [SELECTION]: { type: 'float32', dims: [categories.length, card.categories.length], data: selection },
  });
  const maps = outputs[MAPS] as Tensor<'float32'>;
  const probabilities = (outputs[PROBABILITIES] as Tensor<'float32'>).data;
  const [, rows, mapWidth] = maps.dims as [number, number, number];
  const size = rows * mapWidth;
  return categories.map((category, k) => ({
    category,
    score: probabilities[columns[k]!]!,
    width: mapWidth,
    height: rows,
    values: [...maps.data.subarray(k * size, (k + 1) * size)],
  }));
}

type DrawOverlays = (path: string, maps: readonly ExplainedMap[]) => Promise<ExplainedMap[]>;

function overlayDrawer(folder: string, { colormap, opacity }: ExplainParams): DrawOverlays {
  const colours = colormapOf(colormap);
  const taken = new Set<string>();
  return async (path, maps) => {
    await makeFolder(folder);
    const image = await readFullSize(path);
    const drawn = maps.map(async (map) => {
      const name = `${basename(path, extname(path))}.${fileNameOf(map.category)}`;
      const overlay = join(folder, `${freeName(name, taken)}.png`);
      await drawOverlay(overlay, image, map, colours, opacity);
      return { ...map, overlay };
    });
    return Promise.all(drawn);
  };
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError('write-failed', `The folder ${folder} cannot be made (${detail}). Choose another with --out.`);
  });
}

/** Images of one name in two folders, or two categories that are spelled alike as file names, get a number. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let k = 2; taken.has(free.toLowerCase()); k++) free = `${name}-${k}`;
  taken.add(free.toLowerCase());
  return free;
}

/** Category names are text of strangers: only letters, digits, dots and dashes go into a file name. */
function fileNameOf(category: string): string {
  return category.replace(/[^\p{L}\p{N}-]+/gu, '_').slice(0, 80) || '_';
}
