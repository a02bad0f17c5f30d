// scikit-learn's logistic regression on the folds of the benchmark `recipes`, where it is set up (bench/peers/README.md).
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { regressionPeer } from './peers';
import type { FloatTable, Fold } from './recipes-data';
import type { Scores } from './recipes-study';

/** By the peer's name; empty where it is not set up. */
export async function regressionScores({ set, variants }: FloatTable, folds: readonly Fold[]): Promise<Record<string, Scores>> {
  const peer = regressionPeer();
  if (!peer) return {};
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-regression-'));
  try {
    const job = { folder, images: set.images.length, categories: set.categories.length, folds };
    await writeFile(join(folder, 'features.f32'), variants[0]!);
    await writeFile(join(folder, 'labels.u8'), set.labels);
    await writeFile(join(folder, 'job.json'), JSON.stringify(job));
    const { stdout } = await promisify(execFile)(peer.command, [...peer.args, join(folder, 'job.json')]);
    const names = JSON.parse(stdout) as Readonly<Record<string, string>>;
    const read = async ([name, file]: [string, string]) => [name, await readScores(join(folder, file), job, folds)] as const;
    return Object.fromEntries(await Promise.all(Object.entries(names).map(read)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Doubles, fold after fold. */
async function readScores(path: string, { categories }: { categories: number }, folds: readonly Fold[]): Promise<Scores> {
  const bytes = await readFile(path);
  const all = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let at = 0;
  return folds.map(({ test }) => all.slice(at, (at += test.length * categories)));
}
