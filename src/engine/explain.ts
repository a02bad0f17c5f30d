// The request `explain`: Grad-CAM maps of images, and overlays at the images' own size.
import { mkdir } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { colormapOf } from '../heatmap/colormap';
import { IMAGE, PROBABILITIES } from '../onnx/classifier';
import { MAPS, SELECTION } from '../onnx/gradcam';
import type { Tensor } from '../onnx/model';
import { LabelscopeError, toWireError } from '../protocol/errors';
import type { CountProgress, ExplainedMap, ExplainParams, ExplainResult, FailedFile } from '../protocol/messages';
import type { Context } from './context';
import { imageFiles } from './image-files';
import { type Pixels, readFullSize, readPixels } from './images';
import { MAPS_AT_ONCE } from './models';
import { drawOverlay } from './overlay';
import type { Trained } from './trained';

type Explained = ExplainResult['images'][number];

export async function explain(
  params: ExplainParams,
  { runtime, models, signal, device }: Context,
  emit: (progress: CountProgress) => void,
): Promise<ExplainResult> {
  const { files, failed: missing } = await imageFiles(params.files);
  const draw = params.out === undefined ? undefined : overlayDrawer(resolve(params.out), params);
  return models.use(params.model, await device(params.device), async ({ trained, mapping }) => {
    checkCategories(params, trained);
    const session = await mapping();
    const images: Explained[] = [];
    const failed: FailedFile[] = [...missing];
    for (const [done, file] of files.entries()) {
      signal.throwIfAborted();
      const { width, height } = trained.classifier;
      const pixels = await readPixels(file, width, height).catch((error: unknown) => {
        failed.push({ file, error: toWireError(error).message });
      });
      if (pixels) {
        const maps = await mapsOf(trained, pixels, params.categories, (feeds) => runtime.run(session, feeds));
        images.push({ file, maps: draw ? await draw(file, maps) : maps });
      }
      emit({ done: done + 1, total: files.length });
    }
    return { model: trained.path, images, failed };
  });
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

type RunMaps = (feeds: Record<string, Tensor>) => Promise<Readonly<Record<string, Tensor>>>;

/** @param asked the categories to explain; without, those that prediction would name, which the first run tells */
async function mapsOf(
  trained: Trained,
  pixels: Pixels,
  asked: readonly string[] | undefined,
  run: RunMaps,
): Promise<ExplainedMap[]> {
  const { categories } = trained.card;
  const first = await runMaps(trained, pixels, (asked ?? []).slice(0, MAPS_AT_ONCE), run);
  const wanted = asked ?? shownCategories(trained, first.probabilities);
  const maps = asked ? first.maps : [];
  for (let start = maps.length; start < wanted.length; start += MAPS_AT_ONCE)
    maps.push(...(await runMaps(trained, pixels, wanted.slice(start, start + MAPS_AT_ONCE), run)).maps);
  return wanted.map((category, k) => ({ category, score: first.probabilities[categories.indexOf(category)]!, ...maps[k]! }));
}

interface RawMaps {
  readonly maps: Pick<ExplainedMap, 'width' | 'height' | 'values'>[];
  readonly probabilities: Float32Array;
}

/** At most MAPS_AT_ONCE categories; the rows that are left over select nothing. */
async function runMaps(
  { classifier: { width, height }, card }: Trained,
  pixels: Pixels,
  categories: readonly string[],
  run: RunMaps,
): Promise<RawMaps> {
  const selection = new Float32Array(MAPS_AT_ONCE * card.categories.length);
  categories.forEach((name, row) => (selection[row * card.categories.length + card.categories.indexOf(name)] = 1));
  const outputs = await run({
    [IMAGE]: { type: 'uint8', dims: [1, height, width, 3], data: pixels.data },
    [SELECTION]: { type: 'float32', dims: [MAPS_AT_ONCE, card.categories.length], data: selection },
  });
  const { dims, data } = outputs[MAPS] as Tensor<'float32'>;
  const [, rows, columns] = dims as [number, number, number];
  const size = rows * columns;
  const maps = categories.map((_, k) => ({ width: columns, height: rows, values: [...data.subarray(k * size, (k + 1) * size)] }));
  return { maps, probabilities: (outputs[PROBABILITIES] as Tensor<'float32'>).data };
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
