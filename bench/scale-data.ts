// The data of the benchmark `scale`: any number of image files that differ, their COCO files, and a network so small that all else counts.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomStream } from '../src/metrics/random';
import { encodeModel } from '../src/onnx/encode';
import { compose, conv, dense } from '../test/support/networks';

export interface ScaleData {
  readonly training: string;
  readonly validation: string;
}

const PICTURES = 300;
const [WIDTH, HEIGHT] = [96, 72];
const CATEGORIES = 20;
const VALIDATION_IMAGES = 200;
const WRITTEN_AT_ONCE = 64;

/** 300 pictures over and over; behind each one's end stand bytes of its own, so that no file has the content of another. */
export async function writeScaleData(folder: string, images: number): Promise<ScaleData> {
  const pictures = await Promise.all(Array.from({ length: PICTURES }, (_, k) => jpeg(k)));
  const write = async (split: string, count: number, first: number): Promise<string> => {
    await mkdir(join(folder, split), { recursive: true });
    for (let start = 0; start < count; start += WRITTEN_AT_ONCE) {
      const rows = Array.from({ length: Math.min(WRITTEN_AT_ONCE, count - start) }, (_, k) => start + k);
      await Promise.all(
        rows.map((row) => {
          const own = Buffer.from(`${split} ${row}`);
          return writeFile(join(folder, split, nameOf(first + row)), Buffer.concat([pictures[row % PICTURES]!, own]));
        }),
      );
    }
    const path = join(folder, `instances_${split}.json`);
    await writeFile(path, JSON.stringify(cocoOf(count, first)));
    return path;
  };
  return { training: await write('train', images, 1), validation: await write('val', VALIDATION_IMAGES, 10_000_000) };
}

const nameOf = (id: number): string => `${String(id).padStart(12, '0')}.jpg`;

function jpeg(seed: number): Promise<Buffer> {
  const random = randomStream('picture', seed);
  const [a, b, c] = [random.next(), random.next(), random.next()];
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let at = 0; at < data.length; at++) data[at] = 127 + 100 * Math.sin(a * at) * Math.cos((b * at) / WIDTH + c);
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** Every image shows two categories. */
function cocoOf(count: number, first: number): unknown {
  const images = Array.from({ length: count }, (_, row) => ({
    id: first + row,
    file_name: nameOf(first + row),
    width: WIDTH,
    height: HEIGHT,
  }));
  const shown = (row: number) => [row % CATEGORIES, (row % CATEGORIES) + 1 + (Math.floor(row / CATEGORIES) % (CATEGORIES - 1))];
  const annotations = images.flatMap(({ id }, row) =>
    shown(row).map((category, k) => ({
      id: 2 * (first + row) + k,
      image_id: id,
      category_id: 1 + (category % CATEGORIES),
      bbox: [1, 1, 20, 20],
      area: 400,
      iscrowd: 0,
    })),
  );
  const categories = Array.from({ length: CATEGORIES }, (_, k) => ({ id: 1 + k, name: `category ${k + 1}` }));
  return { images, annotations, categories };
}

/** ResNet-50's number of features from 32 × 32 pixels, by almost no work. */
export async function writeScaleNetwork(path: string, features: number): Promise<void> {
  const model = compose(
    (net, input) => {
      const first = net.op('Relu', [conv(net, input, 'first', [8, 3], { stride: 4, bias: true })]);
      const second = net.op(
        'Relu',
        [conv(net, first, 'second', [features, 8], { kernel: 1, stride: 4, bias: true })],
        {},
        'stage',
      );
      return dense(net, net.op('Flatten', [net.op('GlobalAveragePool', [second])], { axis: 1 }), [5, features]);
    },
    { input: { name: 'input', type: 'float32', dims: ['N', 3, 32, 32] } },
  );
  await writeFile(path, encodeModel(model));
}
