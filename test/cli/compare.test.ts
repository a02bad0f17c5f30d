// The verb `compare` on real runs: values, differences and verdicts from their own scores, what they share, what cannot be compared.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, replicated } from '../../src/metrics/bootstrap';
import { finished } from '../../src/metrics/steps';
import type { Compared } from '../../src/metrics/compare';
import { evaluate } from '../../src/metrics/evaluate';
import { entryOf, METRICS } from '../../src/metrics/headline';
import type { ScoredSet } from '../../src/metrics/types';
import type { CompareResult } from '../../src/protocol/compare';
import type { EvaluateResult } from '../../src/protocol/messages';
import type { ScoresFile } from '../../src/protocol/run';
import type { ReportData } from '../../src/protocol/windows';
import { type CliResult, jsonResult, runCli } from '../support/cli';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { jsonOf, UNBUILT, writeTinyBackbone } from '../support/engine';

let folder: string;
let data: TinyData;

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });
const at = (run: string) => join(folder, run);

async function json<T>(...args: string[]): Promise<T> {
  const result = await cli(...args, '--json');
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return jsonResult(result) as T;
}

async function train(run: string, set: readonly string[], ...options: string[]): Promise<void> {
  const settings = ['batchSize=8', 'threads=1', ...set].flatMap((one) => ['--set', one]);
  const backbone = join(folder, 'tiny.onnx');
  await json('train', data.train, '--backbone', backbone, '--run', at(run), ...settings, '--device', 'cpu', ...options);
  await json('evaluate', at(run), '--device', 'cpu');
}

/** A copy of a run, to be judged or damaged in its own way. */
const copied = (run: string, to: string) => cp(at(run), at(to), { recursive: true });

interface Coco {
  images: { id: number; file_name: string }[];
  annotations: { id: number; image_id: number; category_id: number }[];
}

/** A copy of the validation file beside it, changed. */
async function variant(name: string, change: (coco: Coco) => Coco): Promise<string> {
  const path = join(data.folder, 'annotations', name);
  await writeFile(path, JSON.stringify(change(await jsonOf<Coco>(data.validation))));
  return path;
}

const scoresOf = (run: string) => jsonOf<ScoresFile>(join(at(run), 'scores.validation.json'));

/** Straight from the file, entry by entry. */
function setOf({ categories, images }: ScoresFile): ScoredSet {
  return {
    images: images.length,
    categories,
    labels: Uint8Array.from(images.flatMap(({ labels }) => categories.map((name) => Number(labels.includes(name))))),
    scores: Float64Array.from(images.flatMap(({ scores }) => scores)),
  };
}

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'compare-'));
  data = await writeTinyData(join(folder, 'data'), { train: 28, validation: 14 });
  await writeTinyBackbone(join(folder, 'tiny.onnx'));
  await train('short', ['epochs=1']);
  await train('long', ['epochs=12', 'learnRate=0.02']);
  await train('two', ['epochs=1'], '--categories', `${CATEGORIES[2]},${CATEGORIES[0]}`);
  await train('one', ['epochs=1'], '--categories', CATEGORIES[1]);
}, 120_000);
afterAll(() => (UNBUILT ? undefined : rm(folder, { recursive: true, force: true })));

describe.skipIf(UNBUILT)(`labelscope compare${UNBUILT}`, () => {
  it('finds in each run what its evaluation says, and differences over the same resamples', async () => {
    const result = await json<CompareResult>('compare', at('short'), at('long'));
    expect(result).toMatchObject({ images: 14, level: 0.95, replicates: 1000, seed: 0 });
    const shows = (name: string, { images }: ScoresFile) => images.filter(({ labels }) => labels.includes(name)).length;
    const scores = await Promise.all(['short', 'long'].map(scoresOf));
    expect(result.categories).toEqual(CATEGORIES.map((category) => ({ category, images: shows(category, scores[0]!) })));
    const sets = scores.map(setOf);
    const sampled = sets.map((set) => finished(replicated(set, 0.5, { replicates: 1000, seed: 0 })));
    const stored = await Promise.all(
      ['short', 'long'].map(async (run) => (await jsonOf<EvaluateResult>(join(at(run), 'evaluation.json'))).evaluation),
    );
    for (const metric of METRICS) {
      const values = result.runs.map((run) => entryOf<Compared>(run, metric));
      expect(values.map(({ value }) => value)).toEqual(stored.map((found) => entryOf<number | null>(found, metric)));
      const both = [values[0]!.value, values[1]!.value] as const;
      const rows = [sampled[0]!.values[metric], sampled[1]!.values[metric]] as const;
      const lessIsBetter = metric === 'loss' || metric === 'hammingLoss';
      expect(values[1]!.versusFirst, metric).toEqual(differenceOf(both, rows, lessIsBetter));
    }
    // Twelve epochs teach what one does not.
    expect(result.runs[1]!.loss.versusFirst!.verdict).toBe('better');
    expect(result.settings).toEqual(
      expect.arrayContaining([
        { setting: 'epochs', values: [1, 12] },
        { setting: 'learnRate', values: [expect.any(Number), 0.02] },
      ]),
    );
    expect(result.settings.map(({ setting }) => setting)).not.toContain('batchSize');
  });

  it('judges all at one threshold, and without resamples says nothing of chance', async () => {
    const result = await json<CompareResult>('compare', at('long'), at('short'), '--threshold', '0.3', '--bootstrap', '0');
    const alone = evaluate(setOf(await scoresOf('short')), { threshold: 0.3 });
    expect(result.runs.map(({ threshold }) => threshold)).toEqual([0.3, 0.3]);
    expect(result.runs[1]!.micro.f1).toMatchObject({ value: alone.micro.f1, interval: null });
    expect(result.runs[1]!.micro.f1.versusFirst!.verdict).toBeNull();
    const { stdout } = await cli('compare', at('long'), at('short'), '--bootstrap', '0');
    expect(stdout).not.toMatch(/better|worse|distinguishable|bootstrap/);
  });

  it('tells people in tables and words, and warns of a run that was evaluated on what it learned', async () => {
    const { status, stdout, stderr } = await cli('compare', at('short'), at('long'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('14 images and 3 categories that all evaluations share');
    expect(stdout).toMatch(/^loss +-\d.*\d to .* better$/m);
    expect(stdout).toMatch(/^micro recall +[+]0.000 +0.000 to 0.000 +not distinguishable$/m);
    expect(stdout).toMatch(/^green disc .*distinguishable$/m);
    expect(stdout).toMatch(/^epochs +1 +12$/m);
    for (const run of ['short', 'long']) {
      await copied(run, `${run}-seen`);
      await json('evaluate', at(`${run}-seen`), data.train, '--device', 'cpu');
    }
    const seen = await cli('compare', at('short-seen'), at('long-seen'));
    expect(seen.stderr).toContain('long-seen was evaluated on the file that it was trained on');
  });

  it('takes the images with the same labels and the categories that all share, in any order', async () => {
    const changed = await variant('other.json', ({ images, annotations, ...rest }) => ({
      ...rest,
      images: images.slice(3).toReversed(),
      // The last image shows all categories: here it has the first alone.
      annotations: annotations.map((one) => (one.image_id === images.at(-1)!.id ? { ...one, category_id: 1 } : one)),
    }));
    await copied('long', 'other');
    await json('evaluate', at('other'), changed, '--images', data.validationImages, '--device', 'cpu');
    const result = await json<CompareResult>('compare', at('two'), at('other'), '--bootstrap', '50');
    expect(result.categories.map(({ category }) => category)).toEqual([CATEGORIES[2], CATEGORIES[0]]);
    // The run of two categories was not judged by the two images that show neither.
    expect(result.runs).toMatchObject([
      { evaluated: 12, leftOut: { notShared: 2, otherLabels: 1 }, categoriesLeftOut: [] },
      { evaluated: 11, leftOut: { notShared: 1, otherLabels: 1 }, categoriesLeftOut: [CATEGORIES[1]] },
    ]);
    expect(result.images).toBe(9);
    const given = await jsonOf<ScoresFile>(join(at('other'), 'scores.given.json'));
    const kept = given.images.filter(({ labels, file_name }) => file_name !== 'val-013.png' && labels.join() !== CATEGORIES[1]);
    const images = kept.map((image) => ({ ...image, scores: [image.scores[2]!, image.scores[0]!] }));
    const alone = evaluate(setOf({ ...given, categories: [CATEGORIES[2], CATEGORIES[0]], images }));
    expect(result.runs[1]!.mAP.value).toBeCloseTo(alone.mAP!, 12);
    expect(result.runs[1]!.micro.f1.value).toBeCloseTo(alone.micro.f1, 12);
    const { stdout } = await cli('compare', at('two'), at('other'), '--bootstrap', '0');
    expect(stdout).toContain('2 that not all runs were evaluated on, 1 that have other labels in another evaluation');
    expect(stdout).toContain('what not all runs know: green disc');
    expect(stdout).toContain('images are the same by their file names');
  });

  it('writes a page that needs nothing else, with names as text', async () => {
    await copied('short', 'named');
    const record = await jsonOf<object>(join(at('named'), 'run.json'));
    const name = '</script><img src=x onerror=alert(1)>';
    await writeFile(join(at('named'), 'run.json'), JSON.stringify({ ...record, name, backbone: undefined }));
    const out = join(folder, 'comparison.html');
    await json('compare', at('named'), at('long'), '--html', out);
    const page = await readFile(out, 'utf8');
    // The script has tags in its templates; of the data there is none.
    expect(page).not.toContain('<img src=x');
    expect(page).not.toMatch(/(src|href)="?https?:/);
    const { comparison } = JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)![1]!) as ReportData;
    expect(comparison!.runs.map((run) => run.name)).toEqual([name, 'long']);
    expect(comparison!.runs.map(({ points }) => points.length > 0)).toEqual([true, true]);
    expect(comparison!.result!.images).toBe(14);
    expect(comparison!.settings).toContainEqual({ setting: 'backbone', values: [null, 'tiny.onnx'] });
    const nowhere = await cli('compare', at('short'), at('long'), '--html', join(folder, 'none', 'x.html'));
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('could not be written');
  });

  it('judges each run at the thresholds of its model where asked, and tells of rare categories', async () => {
    const result = await json<CompareResult>('compare', at('short'), at('long'), '--threshold', 'saved');
    expect(result.runs.map(({ threshold }) => threshold)).toEqual([
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ]);
    const { stdout } = await cli('compare', at('short'), at('long'), '--threshold', 'saved');
    expect(stdout).toMatch(/^short: evaluated on 14 images, threshold 0\.5$/m);
    const few = result.categories.filter(({ images }) => images < 10).length;
    expect(few).toBe(3);
    expect(stdout).toMatch(/^3 of 3 categories have fewer than 10 images: the intervals of mAP/m);
    expect((await cli('compare', at('short'), at('long'), '--bootstrap', '0')).stdout).not.toContain('fewer than 10 images');
  });

  it('says what cannot be compared, and what to do', async () => {
    const wrong = async (...runs: string[]) => {
      const { status, stdout, stderr } = await cli('compare', ...runs.map(at));
      expect(stdout).toBe('');
      return `${status} ${stderr}`;
    };
    expect(await wrong('short')).toMatch(/^2 Usage: labelscope compare RUN RUN…/);
    expect(await wrong('short', 'data/../short')).toMatch(/^1 .*short is given twice/);
    expect(await wrong('short', 'nowhere')).toMatch(/^1 .*nowhere is no run folder/);
    expect(await wrong('two', 'one')).toMatch(
      /^1 The runs have no category in common: two knows blue stripe, red square; one knows/,
    );
    await mkdir(at('broken'));
    await writeFile(join(at('broken'), 'run.json'), '{"format": 2');
    expect(await wrong('short', 'broken')).toMatch(/^1 .*broken.*run\.json is damaged/);
    const record = await readFile(join(at('short'), 'run.json'), 'utf8');
    await writeFile(join(at('broken'), 'run.json'), record);
    expect(await wrong('short', 'broken')).toMatch(/^1 .*broken has not been evaluated. Evaluate it first: labelscope evaluate/);
    const files = ['evaluation.json', 'scores.validation.json'];
    for (const name of files) await writeFile(join(at('broken'), name), await readFile(join(at('two'), name)));
    const foreign = await jsonOf<EvaluateResult>(join(at('long'), 'evaluation.json'));
    await writeFile(join(at('broken'), 'evaluation.json'), JSON.stringify(foreign));
    expect(await wrong('short', 'broken')).toMatch(/^1 .*broken and its scores do not belong together. Evaluate the model again/);
  });

  it('compares no runs that were judged by other images or other labels', async () => {
    await copied('one', 'elsewhere');
    await json('evaluate', at('elsewhere'), data.train, '--device', 'cpu');
    const other = await cli('compare', at('short'), at('elsewhere'));
    expect(other.status).toBe(1);
    expect(other.stderr).toContain('The runs were evaluated on different images: short on 14 images of');
    const turned = await variant('turned.json', (coco) => {
      const ids = new Set(coco.annotations.map(({ category_id }) => category_id));
      const next = (id: number) => [...ids][([...ids].indexOf(id) + 1) % ids.size]!;
      return {
        ...coco,
        images: coco.images.slice(0, 2),
        annotations: coco.annotations.map((one) => ({ ...one, category_id: next(one.category_id) })),
      };
    });
    await copied('long', 'turned');
    await json('evaluate', at('turned'), turned, '--images', data.validationImages, '--device', 'cpu');
    const labels = await cli('compare', at('short'), at('turned'));
    expect(labels.status).toBe(1);
    expect(labels.stderr).toContain('All 2 images that the evaluations share have other labels in one than in another');
  });
});
