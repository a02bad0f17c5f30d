// scikit-learn beside the slider, where it is set up (bench/peers/README.md): the same numbers of the same scores, at one threshold after the other.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decide } from '../src/metrics/decision';
import type { ScoredSet } from '../src/metrics/types';
import { thresholdsPeer } from './peers';

interface Answer {
  readonly version: string;
  /** Of each threshold. */
  readonly milliseconds: readonly number[];
  readonly numbers: readonly Numbers[];
}

type Numbers = Readonly<Record<'micro' | 'macro' | 'jaccard' | 'hammingLoss' | 'exactMatch', number>>;

/** Undefined where it is not set up. @throws Error where its numbers are not ours: then it did other work */
export async function thresholdsOfPeer(set: ScoredSet, thresholds: readonly number[]): Promise<Answer | undefined> {
  const peer = thresholdsPeer();
  if (!peer) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-thresholds-'));
  try {
    await writeFile(join(folder, 'scores.f64'), Float64Array.from(set.scores));
    await writeFile(join(folder, 'labels.u8'), Uint8Array.from(set.labels));
    await writeFile(join(folder, 'job.json'), JSON.stringify({ folder, images: set.images, thresholds }));
    const { stdout } = await promisify(execFile)(peer.command, [...peer.args, join(folder, 'job.json')]);
    const answer = JSON.parse(stdout) as Answer;
    answer.numbers.forEach((numbers, k) => checkSame(numbers, oursAt(set, thresholds[k]!)));
    return answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function oursAt(set: ScoredSet, threshold: number): Numbers {
  const { micro, macro, jaccard, hammingLoss, exactMatch } = decide(set, threshold);
  return { micro: micro.f1, macro: macro.f1, jaccard: jaccard!, hammingLoss: hammingLoss!, exactMatch: exactMatch! };
}

function checkSame(theirs: Numbers, ours: Numbers): void {
  for (const name of Object.keys(ours) as (keyof Numbers)[])
    if (Math.abs(theirs[name] - ours[name]) > 1e-9)
      throw new Error(`scikit-learn has ${theirs[name]} for ${name}, we have ${ours[name]}.`);
}
