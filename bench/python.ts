// `npm run bench -- python RUN IMAGES`: the exported model in the onnxruntime of PyPI, by the lines of the README, beside our own predictions;
// and, where FiftyOne is installed, what it reads of the labels that are written for it.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import sharp from 'sharp';
import { labelText } from '../src/cli/label-files';
import { type EngineClient, engineClient } from '../src/engine/client/engine';
import { readRecord } from '../src/engine/client/folder';
import type { PredictedImage } from '../src/protocol/messages';
import { UsageError } from './cases';
import { PEERS, PYTHON } from './peers';

/** Of the ResNet-50 that ships, where a recipe names no other. */
const BACKBONE_SIDE = 224;

export async function benchPython(args: string[], note: (text: string) => void): Promise<string[]> {
  const { positionals, python } = readArguments(args);
  const [run, images] = positionals.map((place) => resolve(place));
  if (run === undefined || images === undefined)
    throw new UsageError('python needs RUN and IMAGES: a run and a folder of images.');
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-python-'));
  const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });
  try {
    const model = join(folder, 'model.onnx');
    await engine.request('export', { run, out: model });
    const own = await predicted(engine, run, images);
    const { version, differences } = await compare(python, model, own);
    note('Once more with images of the model’s own size, which nobody resizes …');
    const resized = join(folder, 'resized');
    const { recipe } = await readRecord(run);
    await shrink(own, resized, recipe.imageSize || BACKBONE_SIDE);
    const same = await compare(python, model, await predicted(engine, run, resized));
    return [
      `onnxruntime ${version} of PyPI, ${own.length} images, ${Object.keys(own[0]!.scores).length} categories`,
      `same pixels: probabilities differ by at most ${largest(same.differences).toExponential(1)}`,
      `resized by Pillow rather than by us: by at most ${largest(differences).toExponential(1)}, by ${mean(differences).toExponential(1)} in the mean`,
      await fiftyOne(python, images, own, folder),
    ];
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function readArguments(args: string[]): { readonly positionals: string[]; readonly python: string } {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { python: { type: 'string', default: PYTHON } },
    });
    return { positionals, python: values.python };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function predicted(engine: EngineClient, model: string, folder: string): Promise<readonly PredictedImage[]> {
  return (await engine.request('predict', { model, files: [folder], device: 'cpu' })).images;
}

async function shrink(images: readonly PredictedImage[], folder: string, side: number): Promise<void> {
  await mkdir(folder);
  for (const { file } of images)
    await sharp(file)
      .resize(side, side, { fit: 'fill' })
      .toColourspace('srgb')
      .removeAlpha()
      .png()
      .toFile(join(folder, `${basename(file)}.png`));
}

interface Loaded {
  readonly version: string;
  readonly categories: readonly string[];
  readonly scores: readonly (readonly number[])[];
}

async function compare(python: string, model: string, own: readonly PredictedImage[]) {
  const { version, categories, scores } = (await answer(
    python,
    'load_model.py',
    model,
    ...own.map(({ file }) => file),
  )) as Loaded;
  const differences = own.flatMap((image, k) => categories.map((name, c) => Math.abs(image.scores[name]! - scores[k]![c]!)));
  return { version, differences };
}

async function answer(python: string, script: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(python, [join(PEERS, script), ...args], { maxBuffer: 2 ** 28 });
  return JSON.parse(stdout.split('\n').findLast((line) => line.startsWith('{'))!);
}

async function fiftyOne(python: string, images: string, own: readonly PredictedImage[], folder: string): Promise<string> {
  const path = join(folder, 'labels.json');
  await writeFile(
    path,
    labelText(
      'fiftyone',
      Object.keys(own[0]!.scores),
      own.map((image) => ({ ...image, name: basename(image.file) })),
    ),
  );
  const read = await answer(python, 'fiftyone_read.py', images, path).catch(() => undefined);
  if (read === undefined) return 'FiftyOne is not installed for this Python: nothing was read by it';
  const { version, labels } = read as {
    readonly version: string;
    readonly labels: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  const wrong = own.filter(({ file, labels: names, scores }) => {
    const found = labels[basename(file)] ?? {};
    return Object.keys(found).length !== names.length || names.some((name) => found[name] !== scores[name]);
  });
  const count = own.flatMap(({ labels: names }) => names).length;
  return `FiftyOne ${version} reads ${count} labels with their scores of ${(await readdir(images)).length} files; ${wrong.length} images otherwise than written`;
}

const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
