// The study of questions: very many in a row and very many at once, some of them given up, to one engine. Each is answered once and rightly, and nothing grows.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { TEMPORARY } from '../../src/engine/client/atomic';
import { type RandomStream, randomStream } from '../../src/metrics/random';
import type { PredictParams } from '../../src/protocol/messages';
import { isAlive } from '../support/process';
import { holdingsOf, memoryOf, type Trend, trendOf } from './memory';
import { type Answer, startWire, type WireEngine } from './wire';

export interface RequestsOptions {
  /** For caches and what a process may write for a while. */
  readonly folder: string;
  /** Run folders: more than the engine keeps open. */
  readonly models: readonly string[];
  readonly images: readonly string[];
  readonly requests: number;
  readonly atOnce: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

interface Phase {
  readonly requests: number;
  /** Answered with 'cancelled'. */
  readonly cancelled: number;
  /** Given up too late: answered all the same. */
  readonly late: number;
  readonly milliseconds: number;
  /** Of the engine, in MiB; undefined where the system does not tell. */
  readonly memory: Trend | undefined;
}

export interface RequestsReport {
  readonly inARow: Phase;
  readonly atOnce: Phase;
  /** What was answered twice, wrongly or not at all, or left behind: none. */
  readonly faults: readonly string[];
}

interface Question {
  readonly params: PredictParams;
  readonly wanted: Answer;
}

export async function requestsStudy(options: RequestsOptions): Promise<RequestsReport> {
  const places = { cache: join(options.folder, 'cache'), temporary: join(options.folder, 'temporary') };
  for (const place of Object.values(places)) await mkdir(place, { recursive: true });
  const environment = { LABELSCOPE_CACHE: places.cache, TMPDIR: places.temporary, TEMP: places.temporary };
  const engine = startWire(environment);
  const faults: string[] = [];
  const work: Work = { ...options, engine, faults, random: randomStream('load', options.seed) };
  const questions = await questionsOf(work);
  const before = holdingsOf(engine.pid);
  const inARow = await phase(work, questions.slice(0, 1), { atOnce: 1, givenUp: 0 });
  const atOnce = await phase(work, questions, { atOnce: options.atOnce, givenUp: 1 / 3 });
  await askOne(work, questions[0]!, 0);
  const after = holdingsOf(engine.pid);
  if (!isDeepStrictEqual(before, after)) faults.push(`held ${JSON.stringify(before)} before and ${JSON.stringify(after)} after`);
  await engine.stop();
  if (isAlive(engine.pid)) faults.push('the process did not end');
  faults.push(...engine.surplus.map((message) => `nobody asked: ${message}`));
  faults.push(...(await readdir(places.temporary)).map((name) => `left behind: ${name}`));
  const kept = await readdir(places.cache, { recursive: true });
  faults.push(...kept.filter((name) => TEMPORARY.test(name)).map((name) => `left behind in the cache: ${name}`));
  return { inARow, atOnce, faults };
}

interface Work extends RequestsOptions {
  readonly engine: WireEngine;
  readonly faults: string[];
  readonly random: RandomStream;
}

/** One image of one model; then some images of each model, and what is refused. Each with the answer that it got when it was the only one. */
async function questionsOf({ engine, models, images }: Work): Promise<readonly Question[]> {
  const asked = (model: string, files: readonly string[]): PredictParams => ({ model, files, device: 'cpu' });
  const some = models.flatMap((model, k) => [
    asked(model, images.slice(k, k + 1)),
    asked(model, images.slice(0, 9 + k)),
    asked(model, [images[k]!, `${images[k]!}.gone`]),
  ]);
  const refused = [asked(models[0]!, [`${images[0]!}.gone`]), asked(`${models[0]!}-gone`, images)];
  const questions: Question[] = [];
  for (const params of [...some, ...refused]) questions.push({ params, wanted: await engine.ask('predict', params).answer });
  const answered = questions.filter(({ wanted }) => wanted.result !== undefined);
  if (answered.length !== some.length) throw new Error('The engine does not answer what it will be asked.');
  return questions;
}

interface Manner {
  readonly atOnce: number;
  /** Share of the questions. */
  readonly givenUp: number;
}

async function phase(work: Work, questions: readonly Question[], { atOnce, givenUp }: Manner): Promise<Phase> {
  const { engine, random, requests, say } = work;
  const every = Math.max(1, Math.floor(requests / 200));
  const readings: (number | undefined)[] = [];
  const counts = { done: 0, cancelled: 0, late: 0 };
  let left = requests;
  const asker = async () => {
    while (left-- > 0) {
      const question = questions[random.integer(questions.length)]!;
      const outcome = await askOne(work, question, random.next() < givenUp ? random.next() : undefined);
      if (outcome !== 'answered') counts[outcome]++;
      if (++counts.done % every === 0) readings.push(memoryOf(engine.pid));
      if (counts.done % (10 * every) === 0) say?.(`${atOnce} at once: ${counts.done} of ${requests}`);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, asker));
  const milliseconds = performance.now() - began;
  const known = readings.filter((reading) => reading !== undefined);
  const { cancelled, late } = counts;
  return { requests, cancelled, late, milliseconds, memory: known.length < 10 ? undefined : trendOf(known) };
}

/** Longest wait before a question is given up, in milliseconds. */
const LONGEST_WAIT = 60;

/** @param giveUp 0..1: after which part of the longest wait; 0 is at once, undefined never */
async function askOne(
  { engine, faults }: Work,
  { params, wanted }: Question,
  giveUp: number | undefined,
): Promise<'answered' | 'cancelled' | 'late'> {
  const { id, answer } = engine.ask('predict', params);
  const timer = giveUp === undefined ? undefined : setTimeout(() => engine.cancel(id), giveUp * LONGEST_WAIT);
  const found = await answer;
  clearTimeout(timer);
  if (giveUp !== undefined && found.error?.data?.code === 'cancelled') return 'cancelled';
  const same = isDeepStrictEqual(found.result, wanted.result) && found.error?.data?.code === wanted.error?.data?.code;
  if (!same) faults.push(`${JSON.stringify(params)}: ${JSON.stringify(found.error ?? found.result)}`);
  return giveUp === undefined ? 'answered' : 'late';
}
