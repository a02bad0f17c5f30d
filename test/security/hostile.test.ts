// A data set of a stranger: names that are code for a page, a terminal, a spreadsheet, a path or an object, links and pictures that reach for other
// files. They stay text, nothing leaves its folder, and objects stay as they are.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDecisions } from '../../src/dataset/decisions';
import { labelSet } from '../../src/dataset/labels';
import { readPredictions } from '../../src/dataset/predictions';
import { readAnnotations } from '../../src/dataset/reader';
import { readEvaluation, readHistory, readRecord } from '../../src/engine/client/folder';
import { readFullSize, readPreview, readThumbnail } from '../../src/engine/images';
import { readMetadata, readTensors } from '../../src/engine/run/safetensors';
import { jsonResult, runCli } from '../support/cli';
import { UNBUILT, writeTinyBackbone } from '../support/engine';

const NAMES = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(1)</script>',
  '\u001b[31mred\u0007\u001b]0;title\u0007',
  '\u202egnp.exe\u2066',
  'two\nlines: error',
  '[click](command:workbench.action.terminal.new)',
  '$(trash) `code` **bold**',
  '=HYPERLINK("http://a.test")',
  '../../../escape',
  '__proto__',
  'constructor',
] as const;

const IMAGES = 24;
const fileName = (k: number) => (k === 0 ? '<b>bold.png' : k === 1 ? 'a\u202eb.png' : `image-${k}.png`);

let folder: string;
let data: string;

/** Image k shows the categories k and k + 1, and its record has fields named like parts of objects. */
function annotations(): string {
  const images = Array.from({ length: IMAGES }, (_, k) => ({
    id: k + 1,
    file_name: fileName(k),
    width: 40,
    height: 40,
    constructor: k % 2,
  }));
  const annotation = (k: number, category: number) => ({
    image_id: k + 1,
    category_id: 1 + (category % NAMES.length),
    bbox: [1, 1, 9, 9],
    area: 81,
  });
  const rows = images
    .flatMap((_, k) => [annotation(k, k), annotation(k, k + 1)])
    .map((row, k) => ({ id: k + 1, iscrowd: 0, ...row }));
  const categories = NAMES.map((name, k) => ({ id: k + 1, name }));
  const text = JSON.stringify({ images, annotations: rows, categories });
  return text
    .replaceAll('"constructor":', '"__proto__":{"polluted":true},"constructor":')
    .replace('{', '{"__proto__":{"polluted":true},');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  data = join(folder, 'data', 'instances_train.json');
  await mkdir(join(folder, 'data', 'train'), { recursive: true });
  await writeFile(data, annotations());
  for (let k = 0; k < IMAGES; k++) {
    const background = { r: (40 * k) % 256, g: (90 * k) % 256, b: 99 };
    await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toFile(join(folder, 'data', 'train', fileName(k)));
  }
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What moves a cursor, colours a terminal or turns the direction of what follows. */
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

describe.skipIf(UNBUILT || process.platform === 'win32')(`a data set with hostile names${UNBUILT}`, () => {
  async function said(...args: string[]): Promise<string> {
    const result = await runCli(args, { cwd: folder });
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).not.toMatch(UNSEEN);
    return result.stdout;
  }
  const train = ['--recipe', 'quick', '--backbone', 'tiny.onnx', '--device', 'cpu', '--set', 'epochs=3', '--set', 'threads=1'];

  it('is told without what would move the cursor, one line a category', async () => {
    const told = await said('inspect', data);
    expect(told).not.toMatch(UNSEEN);
    expect(told).toContain('two\ufffdlines: error');
    await said('train', data, '--run', 'run', ...train);
    for (const verb of ['evaluate', 'thresholds'])
      expect(await said(verb, 'run', ...(verb === 'evaluate' ? ['--device', 'cpu'] : []))).not.toMatch(UNSEEN);
  });

  it('keeps every name in JSON, those of parts of objects too', async () => {
    const image = join(folder, 'data', 'train', fileName(2));
    const { images } = jsonResult(await runCli(['predict', 'run', image, '--device', 'cpu', '--json'], { cwd: folder })) as {
      images: { scores: Record<string, number> }[];
    };
    expect(Object.keys(images[0]!.scores).sort()).toEqual([...NAMES].sort());
    const evaluated = jsonResult(await runCli(['evaluate', 'run', '--device', 'cpu', '--json'], { cwd: folder })) as {
      perCategory: { category: string }[];
    };
    expect(evaluated.perCategory.map(({ category }) => category)).toEqual(NAMES);
  });

  it('writes maps into the folder that was named, and nowhere else', async () => {
    const all = NAMES.flatMap((name) => ['--category', name]);
    await said('explain', 'run', join(folder, 'data', 'train', fileName(0)), '--device', 'cpu', '--out', 'a/b/maps', ...all);
    expect(await readdir(join(folder, 'a', 'b', 'maps'))).toHaveLength(NAMES.length);
    expect([await readdir(join(folder, 'a')), await readdir(join(folder, 'a', 'b'))]).toEqual([['b'], ['maps']]);
    expect((await readdir(folder)).filter((name) => name.startsWith('escape'))).toEqual([]);
  });

  it('is data in the page of a report, never markup', async () => {
    await said('report', 'run', '--out', 'report.html');
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)!;
    expect(json).not.toContain('<');
    expect(JSON.stringify(JSON.parse(json!))).toContain('<img src=x onerror=alert(1)>');
    expect(page.replace(json!, '')).not.toContain('onerror=alert');
  });
});

describe('JSON with keys that are parts of objects', () => {
  const evil = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';

  it('changes no object, whichever file it stands in', async () => {
    const set = labelSet(await readAnnotations(data));
    expect(set.categories).toEqual(NAMES);
    const write = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const scores = NAMES.map(() => 0.5);
    const rows = set.images.map(
      ({ fileName: file_name }) => `{${evil},"file_name":${JSON.stringify(file_name)},"scores":${JSON.stringify(scores)}}`,
    );
    const predictions = await write(
      'predictions.json',
      `{${evil},"categories":${JSON.stringify(NAMES)},"images":[${rows.join(',')}]}`,
    );
    expect(await readPredictions(predictions, set)).toHaveLength(set.images.length * NAMES.length);
    const decision = `{${evil},"image":"__proto__","category":"constructor","decision":"accept"}`;
    expect((await readDecisions(await write('decisions.json', `{${evil},"decisions":[${decision}]}`))).decisions).toHaveLength(1);
    const run = join(folder, 'polluted');
    await mkdir(run);
    await writeFile(
      join(run, 'run.json'),
      `{${evil},"format":2,"recipe":{${evil}},"train":{},"validation":{},"categories":["__proto__"]}`,
    );
    await writeFile(join(run, 'history.jsonl'), `{${evil},"iteration":1,"loss":2}\n`);
    await writeFile(join(run, 'evaluation.json'), `{${evil},"split":"validation","evaluation":{${evil}}}`);
    await readRecord(run);
    expect(await readHistory(run)).toHaveLength(1);
    await expect(readEvaluation(run)).rejects.toMatchObject({ code: 'evaluation-unreadable' });
    const body = Buffer.alloc(4);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const header = Buffer.from(
      `{"__metadata__":{${evil},"sha256":"${sha256}"},"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`,
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = join(run, 'x.safetensors');
    await writeFile(path, Buffer.concat([length, header, body]));
    await readMetadata(path);
    expect(Object.keys((await readTensors(path)).tensors)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((Object as unknown as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a picture that reaches for other files', () => {
  const PIXEL = 'data';

  async function svg(name: string, body: string, head = ''): Promise<string> {
    const path = join(folder, 'pictures', name);
    await mkdir(join(folder, 'pictures'), { recursive: true });
    const text = `<?xml version="1.0"?>${head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20">${body}</svg>`;
    await writeFile(path, text);
    return path;
  }

  /** White where nothing was drawn. */
  async function isBlank(path: string): Promise<boolean> {
    return (await readFullSize(path)).data.every((value) => value === 255);
  }

  it('shows nothing of them: images by address, by path and through a link', async () => {
    const secret = join(folder, 'secret.png');
    await sharp({ create: { width: 20, height: 20, channels: 3, background: '#f00' } })
      .png()
      .toFile(secret);
    const inline = (await readFile(secret)).toString('base64');
    await svg('warm.svg', '');
    await symlink(secret, join(folder, 'pictures', 'link.png'));
    const ways = [`file://${secret}`, secret, relative(join(folder, 'pictures'), secret), 'http://a.test/a.png'];
    for (const [k, href] of ways.entries())
      expect(
        await isBlank(await svg(`${k}.svg`, `<image width="20" height="20" xlink:href="${href}" href="${href}"/>`)),
        href,
      ).toBe(true);
    const own = `<image width="20" height="20" xlink:href="${PIXEL}:image/png;base64,${inline}"/>`;
    expect(await isBlank(await svg('own.svg', own))).toBe(false);
  });

  it('is refused or drawn in no time where it is a bomb of entities, and reads no file as one', async () => {
    const lines = Array.from({ length: 12 }, (_, k) => `<!ENTITY e${k + 1} "${`&e${k};`.repeat(10)}">`).join('');
    const bomb = await svg('bomb.svg', '<text y="10">&e12;</text>', `<!DOCTYPE svg [<!ENTITY e0 "lol">${lines}]>`);
    await readFullSize(bomb).catch((error: unknown) => expect(error).toMatchObject({ code: 'image-unreadable' }));
    await writeFile(join(folder, 'pictures', 'secret.svg'), '<rect width="20" height="20" fill="red"/>');
    const outside = `<!DOCTYPE svg [<!ENTITY x SYSTEM "${join(folder, 'pictures', 'secret.svg')}">]>`;
    const reading = await svg('xxe.svg', '&x;', outside);
    const blank = await isBlank(reading).catch(() => true);
    expect(blank).toBe(true);
  });

  it('is refused by name where it has more pixels than a memory should hold', async () => {
    const huge = join(folder, 'pictures', 'huge.svg');
    await writeFile(huge, '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>');
    for (const read of [readFullSize, readPreview, (path: string) => readThumbnail(path, 64, { width: 0, height: 0 })])
      await expect(read(huge)).rejects.toMatchObject({
        code: 'image-unreadable',
        message: expect.stringContaining(huge) as string,
      });
    expect(existsSync(huge)).toBe(true);
  });
});
