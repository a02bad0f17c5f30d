// `labelscope sample`: a COCO data set of composed scenes, small enough to train on in minutes and true to the pixel.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { LabelscopeError } from '../../protocol/errors';
import type { CountProgress, SampleResult } from '../../protocol/messages';
import { randomStream } from '../../metrics/random';
import { annotationFile, type FinishedScene } from './annotations';
import { put } from './canvas';
import { CATEGORIES, type Category, type Split } from './catalogue';
import { replaceSample } from './directory';
import { readIcons, type IconSet } from './icons';
import { licences } from './licences';
import { layOutScene, type Scene } from './scene';

export interface SampleOptions {
  /** The shipped icons, `assets/sample-icons.json` of the installation. */
  readonly iconsFile: string;
  /** How many images to train on, 240 unless given; a third as many, but at least 12, are added for validation. */
  readonly images?: number;
  /** The same seed gives the same files, byte for byte, on one machine; 1 unless given. */
  readonly seed?: number;
  readonly onProgress?: (progress: CountProgress) => void;
  readonly signal?: AbortSignal;
}

/** With fewer images than categories, a category would be missing. */
const FEWEST = CATEGORIES.length;
const MOST = 100_000;
/** How many scenes are made at once: enough to keep the threads that render and encode busy. */
const AT_ONCE = 4;

/**
 * Writes a data set in COCO's layout: annotations/instances_train.json and instances_val.json, train/ and val/ with JPEGs, and
 * LICENSES.md. Every category is in both splits, and no emoji set is. A box is the extent of a thing's pixels within the image,
 * `area` the number of them that are not covered.
 *
 * An earlier sample in `directory` is replaced once the new one is complete; other files beside it stay.
 * @throws LabelscopeError `sample-images`, `sample-seed` (wrong options), `sample-directory` (it holds something else),
 * `sample-write`, `sample-icons`; and the signal's reason when it is aborted. After an error
 * nothing that was in `directory` has changed.
 */
export async function writeSample(directory: string, options: SampleOptions): Promise<SampleResult> {
  const { images = 240, seed = 1 } = options;
  checkOptions(images, seed);
  const sets = await readIcons(options.iconsFile);
  const counts = { train: images, val: Math.max(FEWEST, Math.round(images / 3)) };
  const progress = counter(counts.train + counts.val, options.onProgress);
  await replaceSample(directory, async (target) => {
    await mkdir(join(target, 'annotations'), { recursive: true });
    let firstId = 1;
    for (const split of ['train', 'val'] as const) {
      const splitSets = sets.filter((set) => set.split === split);
      const scenes = await writeScenes(join(target, split), splitSets, counts[split], [seed, split], progress, options.signal);
      const content = annotationFile(split, splitSets, scenes, firstId);
      await writeFile(join(target, 'annotations', `instances_${split}.json`), JSON.stringify(content));
      firstId += scenes.length;
    }
    await writeFile(join(target, 'LICENSES.md'), licences(sets));
  });
  const annotations = (split: Split) => join(directory, 'annotations', `instances_${split}.json`);
  return {
    directory,
    trainAnnotations: annotations('train'),
    validationAnnotations: annotations('val'),
    trainImages: counts.train,
    validationImages: counts.val,
  };
}

function checkOptions(images: number, seed: number): void {
  if (!Number.isInteger(images) || images < FEWEST || images > MOST) {
    const limits = `${FEWEST} (one for each category) to ${MOST}`;
    throw new LabelscopeError('sample-images', `A sample cannot have ${images} images. Give a whole number from ${limits}.`);
  }
  if (!Number.isSafeInteger(seed)) throw new LabelscopeError('sample-seed', `The seed ${seed} is not a whole number.`);
}

/** Reports one more each time it is called. */
function counter(total: number, report: SampleOptions['onProgress']): () => void {
  let done = 0;
  return () => report?.({ done: ++done, total });
}

async function writeScenes(
  folder: string,
  sets: readonly IconSet[],
  count: number,
  keys: readonly (string | number)[],
  progress: () => void,
  signal: AbortSignal | undefined,
): Promise<FinishedScene[]> {
  await mkdir(folder, { recursive: true });
  const anchors = anchorsOf(sets, count, keys);
  const finished: FinishedScene[] = [];
  let next = 0;
  const work = async () => {
    for (let i = next++; i < count; i = next++) {
      signal?.throwIfAborted();
      const { set, category } = anchors[i]!;
      const fileName = `scene-${String(i + 1).padStart(6, '0')}.jpg`;
      const scene = await layOutScene(set, category, ...keys, i);
      await writeFile(join(folder, fileName), await paint(scene, ...keys, i, 'finish'));
      finished[i] = { fileName, set, scene };
      progress();
    }
  };
  await allSettledOrFirstError(Array.from({ length: AT_ONCE }, work));
  return finished;
}

/** Waits for all of them also when one fails, so that nothing is written after the failure is known. */
async function allSettledOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** What each image surely shows, and in which style: every category equally often, in a set that has it. */
function anchorsOf(
  sets: readonly IconSet[],
  count: number,
  keys: readonly (string | number)[],
): { set: IconSet; category: Category }[] {
  const random = randomStream(...keys, 'anchors');
  const categories = Array.from({ length: count }, (_, i) => CATEGORIES[i % CATEGORIES.length]!);
  return random.shuffle(categories).map((category) => {
    const able = sets.filter(({ icons }) => icons.some(({ shows }) => shows === category.name));
    return { set: able[random.integer(able.length)]!, category };
  });
}

/** The scene as a JPEG, with a camera's grain and sometimes a little out of focus. */
async function paint({ canvas, backdrop, objects }: Scene, ...keys: (string | number)[]): Promise<Buffer> {
  for (const placed of [...backdrop, ...objects.map((object) => object.placed)]) put(canvas, placed);
  const random = randomStream(...keys);
  const strength = 14 * random.next();
  const { data, width, height } = canvas;
  for (let at = 0; at < data.length; at += 3) {
    const grain = strength * (random.next() + random.next() - 1);
    for (let channel = 0; channel < 3; channel++) data[at + channel] = Math.min(255, Math.max(0, data[at + channel]! + grain));
  }
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const focused = random.next() < 0.75 ? image : image.blur(0.4 + 0.6 * random.next());
  return focused.jpeg({ quality: 88 }).toBuffer();
}
