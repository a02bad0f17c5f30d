// What inputs are made from: small valid files of every kind, and those that hostile hands would write.
import sharp, { type Sharp } from 'sharp';
import { encodeModel } from '../../src/onnx/encode';
import { buildInferenceModel } from '../../src/onnx/inference';
import { ENTRY, TENSOR } from '../../src/onnx/format';
import type { Model } from '../../src/onnx/model';
import type { WindowName } from '../../src/protocol/windows';
import { CALLS } from '../protocol/calls';
import { withNewHead } from '../../src/onnx/classifier';
import { bytesField, integerField, message, tensorFile, textField } from '../support/protobuf';
import { bottlenecks, mobileNetwork, perceptron, residualNetwork, transformer } from '../support/networks';

const CATEGORIES = ['dog', 'cat', '__proto__'];
const IMAGES = Array.from({ length: 5 }, (_, k) => `image-${k}.png`);

export const COCO: object = {
  info: { year: 2026 },
  images: IMAGES.map((file_name, k) => ({
    id: k + 1,
    file_name,
    width: 640,
    height: 480,
    license: 1,
    place: k % 2 ? 'indoor' : 'street',
  })),
  annotations: IMAGES.flatMap((_, k) =>
    [0, 1].map((c) => ({
      id: 2 * k + c + 1,
      image_id: k + 1,
      category_id: 1 + ((k + c) % 3),
      bbox: [1.5, 2, 30, 40],
      area: 1200,
      iscrowd: c,
      segmentation: c ? { counts: [1, 2, 3], size: [480, 640] } : [[1, 2, 3, 4, 5, 6]],
    })),
  ),
  categories: CATEGORIES.map((name, k) => ({ id: k + 1, name, supercategory: 'thing' })),
};

export const PREDICTIONS: object = {
  categories: CATEGORIES,
  images: IMAGES.map((file_name, k) => ({ file_name, scores: [0.1 * k, 0.5, 1] })),
};
export const PREDICTIONS_CSV = ['file_name,dog,cat,__proto__', ...IMAGES.map((name, k) => `${name},0.${k},0.5,1`)].join('\n');

export const DECISIONS: object = {
  format: 1,
  annotations: '/data/a.json',
  fingerprint: 'f',
  decisions: IMAGES.map((image) => ({
    image,
    category: 'dog',
    decision: 'accept',
    kind: 'missing',
    score: 0.4,
    date: '2026-01-01T00:00:00Z',
  })),
};

/** Files of a run folder, by name. */
export const RUN: Readonly<Record<string, object>> = {
  'run.json': {
    format: 2,
    labelscope: '0.1.0',
    created: '2026-01-01T00:00:00.000Z',
    state: 'finished',
    seed: 1,
    recipe: { recipe: 'quick', epochs: 3 },
    categories: CATEGORIES,
    train: { annotations: '/a.json', images: '/images', fingerprint: 'f', count: 5 },
    validation: {
      annotations: '/b.json',
      images: '/images',
      fingerprint: 'g',
      count: 5,
      part: { which: 'validation', fraction: 0.2, seed: 1 },
    },
    backbone: { path: '/resnet50.onnx', sha256: '0' },
    device: { device: 'cpu', reason: 'CPU', threads: 1 },
    result: {
      run: '/run',
      iterations: 3,
      epochs: 3,
      stopped: 'epochs',
      best: { iteration: 2, validationLoss: 0.5 },
      imagesPerSecond: 9,
    },
  },
  'import.json': {
    format: 2,
    labelscope: '0.1.0',
    created: '2026-01-01T00:00:00.000Z',
    name: 'a',
    source: '/a.onnx',
    categories: CATEGORIES,
  },
  'evaluation.json': {
    split: 'validation',
    evaluation: { categories: CATEGORIES, perCategory: [], sweep: [], micro: {}, macro: {} },
    annotations: '/b.json',
    model: '/run/model.onnx',
    failed: [],
  },
  'scores.validation.json': {
    categories: CATEGORIES,
    images: IMAGES.map((file_name) => ({ file_name, path: `/images/${file_name}`, labels: ['dog'], scores: [0.9, 0.1, 0.5] })),
  },
  'images.validation.json': {
    format: 1,
    fields: [{ name: 'place', kind: 'text' }],
    leftOut: [],
    images: IMAGES.map((file_name) => ({ file_name, width: 640, height: 480, largest: [0.1, 0.2, 0], fields: ['street'] })),
  },
  'pointing.json': { format: 1, categories: CATEGORIES, images: [] },
  'sanity.json': { format: 1, layers: [] },
};
export const HISTORY = [1, 2, 3]
  .map((iteration) => JSON.stringify({ iteration, epoch: 1, loss: 0.5, learnRate: 0.1, validationLoss: 0.4 }))
  .join('\n');

/** Messages of windows: every call of each. */
export const MESSAGES: readonly { readonly window: WindowName; readonly message: object }[] = Object.entries(CALLS).flatMap(
  ([window, calls]) =>
    [{ kind: 'ready' }, ...calls.map(([call, params], id) => ({ kind: 'call', id, call, params }))].map((message) => ({
      window: window as WindowName,
      message,
    })),
);

/** Pictures of every format that is read, by their endings, and some whose ending is another. */
export async function pictures(): Promise<readonly (readonly [string, Uint8Array])[]> {
  const make = (width: number, height: number, channels: 3 | 4 = 3): Sharp =>
    sharp({
      create: {
        width,
        height,
        channels,
        background: { r: 200, g: 90, b: 30, alpha: 0.5 },
        noise: { type: 'gaussian', mean: 99, sigma: 40 },
      },
    });
  const film = sharp(Buffer.alloc(16 * 32 * 3, 99), { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } });
  const made: readonly (readonly [string, Sharp])[] = [
    ['jpg', make(48, 32).jpeg()],
    ['jpg', make(48, 32).jpeg({ progressive: true }).withMetadata({ orientation: 6 })],
    ['jpg', make(48, 32).toColourspace('cmyk').jpeg()],
    ['png', make(48, 32, 4).png()],
    ['png', make(48, 32).toColourspace('rgb16').png()],
    ['png', make(48, 32).png({ palette: true, progressive: true })],
    ['png', make(1, 1).png()],
    ['png', make(30_000, 1).png()],
    ['jpg', make(1, 30_000).greyscale().jpeg()],
    ['webp', make(48, 32).webp()],
    ['webp', film.clone().webp({ lossless: true })],
    ['gif', film.clone().gif()],
    ['tiff', make(48, 32).tiff()],
    ['avif', make(16, 16).avif()],
    ['png', make(48, 32).jpeg()],
    ['jpg', make(48, 32).gif()],
  ];
  const encoded = await Promise.all(
    made.map(async ([ending, image]) => [ending, new Uint8Array(await image.toBuffer())] as const),
  );
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32"><image href="/etc/hostname"/><text y="9">x</text></svg>';
  return [...encoded, ['svg', Buffer.from(svg)], ['png', bomb()], ['bmp', Buffer.from('BM'.padEnd(60, '\0'))]];
}

/** A head that promises 30,000 × 30,000 pixels. */
function bomb(): Uint8Array {
  const head = Buffer.from('89504e470d0a1a0a0000000d4948445200007530000075300802000000', 'hex');
  return Buffer.concat([head, Buffer.from('0000000000000000', 'hex')]);
}

/** Networks as files: of several families, one with a head of ours, and hostile ones. */
export function networks(): readonly Uint8Array[] {
  const plain = [residualNetwork(), bottlenecks('middle', 8), mobileNetwork(), transformer(), perceptron(8)];
  const head = (features: number) => ({
    weight: { type: 'float32' as const, dims: [3, features], data: new Float32Array(3 * features) },
    bias: { type: 'float32' as const, dims: [3], data: new Float32Array(3) },
  });
  const ours = buildInferenceModel(withNewHead(plain[0]!, 'a.onnx', head), {
    categories: CATEGORIES,
    thresholds: [0.5, 0.5, 0.5],
    provenance: {},
  });
  return [...[...plain, ours, ...plain.flatMap(hostile)].map(encodeModel), ...OUTSIDE, ...HUGE];
}

/** Data in files that are not the model's: outside its folder, no files at all, far beyond their end. */
const OUTSIDE = [
  { location: '../outside.bin' },
  { location: '/etc/passwd' },
  { location: 'C:\\Windows\\win.ini' },
  { location: '\\\\host\\share\\w.bin' },
  { location: '.' },
  { location: '/dev/zero', length: '12' },
  { location: 'network.onnx', offset: '0', length: '9007199254740993' },
  { location: 'network.onnx', offset: '-12', length: '12' },
  { location: '__proto__', checksum: '0' },
].map((entries) =>
  tensorFile(1, [3], (writer) => {
    integerField(writer, TENSOR.location, 1);
    for (const [key, value] of Object.entries(entries)) {
      const entry = message((inner) => {
        textField(inner, ENTRY.key, key);
        textField(inner, ENTRY.value, value);
      });
      bytesField(writer, TENSOR.external, entry);
    }
  }),
);

/** Tensors that would not fit into any memory, into a number, or into the file that promises them. */
const HUGE = [[2 ** 31, 2 ** 31], [2n ** 62n], [2 ** 40, 0], [-1, -1], [2 ** 30], Array.from({ length: 64 }, () => 2)].map(
  (dims) => tensorFile(1, dims, (writer) => bytesField(writer, TENSOR.raw, new Uint8Array(12))),
);

/** A cycle, a missing initializer, a loop of a node with itself, an output that nobody makes. */
function hostile(model: Model): Model[] {
  const { graph } = model;
  const [first, ...rest] = graph.nodes;
  const last = graph.nodes.at(-1)!;
  const withGraph = (changes: Partial<Model['graph']>): Model => ({ ...model, graph: { ...graph, ...changes } });
  return [
    withGraph({ nodes: [{ ...first!, inputs: [last.outputs[0]!, ...first!.inputs.slice(1)] }, ...rest] }),
    withGraph({ initializers: new Map([...graph.initializers].slice(1)) }),
    withGraph({ nodes: [...graph.nodes, { ...last, name: 'again', inputs: ['again'], outputs: ['again'] }] }),
    withGraph({ outputs: [{ name: 'nobody', type: 'float32', dims: ['N', 5] }] }),
  ];
}
