// The request `explain`: Grad-CAM maps of images, and overlays at the images' own size.
import { basename, extname, join, resolve } from 'node:path';
import { colormapOf } from '../heatmap/colormap';
import type { ModelCard } from '../onnx/inference';
import { LabelscopeError, toWireError } from '../protocol/errors';
import type { CountProgress, ExplainedMap, ExplainParams, ExplainResult, FailedFile } from '../protocol/messages';
import { makeFolder } from './client/atomic';
import type { Context } from './context';
import { imageFiles } from './image-files';
import { type Pixels, readFullSize, readPixels } from './images';
import { type MapSessions, mapsOf, see } from './maps';
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
  return models.use(params.model, await device(params.device), async ({ trained, scoring, mapping }) => {
    checkCategories(params, trained);
    const sessions = { runtime, mapping: await mapping(), scoring: await scoring() };
    const images: Explained[] = [];
    const failed: FailedFile[] = [...missing];
    for (const [done, file] of files.entries()) {
      signal.throwIfAborted();
      const { width, height } = trained.classifier;
      const pixels = await readPixels(file, width, height).catch((error: unknown) => {
        failed.push({ file, error: toWireError(error).message });
      });
      if (pixels) {
        const maps = await explained(trained, pixels, params.categories, sessions);
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
function shownCategories(card: ModelCard, scores: Float32Array): string[] {
  const labels = card.categories.filter((_, k) => scores[k]! >= (card.thresholds[k] ?? 0.5));
  return labels.length > 0 ? labels : [card.categories[scores.indexOf(Math.max(...scores))]!];
}

/** @param asked the categories to explain; without, those that prediction would name */
async function explained(
  { classifier, card }: Trained,
  pixels: Pixels,
  asked: readonly string[] | undefined,
  sessions: MapSessions,
): Promise<ExplainedMap[]> {
  const seen = await see(classifier, pixels, sessions);
  const wanted = asked ?? shownCategories(card, seen.probabilities);
  const columns = wanted.map((name) => card.categories.indexOf(name));
  const maps = await mapsOf(classifier, seen, columns, sessions);
  return wanted.map((category, k) => ({ category, score: seen.probabilities[columns[k]!]!, ...maps[k]! }));
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
