// The comparison of a sweep's recipes: each seed's folds pooled, recipes judged on the same images, and what the seeds agree on.
import type { BootstrapOptions, Verdict } from '../../metrics/bootstrap';
import { finished } from '../../metrics/steps';
import { type Compared, compared, type ComparedScores } from '../../metrics/compare';
import { entryOf, type Headline, headlineOf, type Metric } from '../../metrics/headline';
import { sharedSets } from '../../engine/client/shared-images';
import type { RecipeName } from '../../protocol/recipe';
import type { ScoresFile } from '../../protocol/run';
import { type JobReport, scoresOf } from './jobs';
import type { SweepPlan } from './plan';

/** A metric over the seeds of a recipe. */
export interface Spread {
  /** Null where the metric is undefined for one of the seeds. */
  readonly mean: number | null;
  /** Of the sample (n − 1); null for a single seed. */
  readonly deviation: number | null;
  /** One a seed. */
  readonly values: readonly (number | null)[];
  /** Null for the first recipe, which the others are compared with. */
  readonly versusFirst: VersusFirst | null;
}

/** Of the seeds for which the first recipe is done as well. */
export interface VersusFirst {
  /** Mean of the differences on the same seed and images. */
  readonly difference: number | null;
  /** For how many seeds the paired bootstrap tells the two apart, and how; all 0 where there are no resamples. */
  readonly better: number;
  readonly worse: number;
  readonly notDistinguishable: number;
}

export interface SweepRow extends Headline<Spread> {
  readonly recipe: RecipeName;
  /** Those for which all folds are done. */
  readonly seeds: readonly number[];
}

export interface SweepTable {
  readonly rows: readonly SweepRow[];
  /** By seed: how many images its recipes are judged on. */
  readonly images: Readonly<Record<string, number>>;
  readonly threshold: number;
  readonly replicates: number;
}

interface Judgement {
  readonly recipe: RecipeName;
  readonly seed: number;
  readonly scores: ComparedScores;
}

/** @param jobs how far each job of the plan is */
export async function tableOf(
  plan: SweepPlan,
  jobs: readonly JobReport[],
  { threshold, bootstrap }: { readonly threshold: number; readonly bootstrap: BootstrapOptions },
): Promise<SweepTable> {
  const judged: Judgement[] = [];
  const images: Record<string, number> = {};
  for (const seed of plan.seeds) {
    const pooled: { recipe: RecipeName; file: ScoresFile }[] = [];
    for (const recipe of plan.recipes) {
      const own = jobs.filter((job) => job.recipe === recipe && job.seed === seed);
      const files = (await Promise.all(own.map(scoresOf))).filter((file) => file !== undefined);
      if (files.length === own.length) pooled.push({ recipe, file: poolOf(files) });
    }
    if (pooled.length === 0) continue;
    const { sets } = sharedSets(pooled.map(({ file }) => file));
    images[seed] = sets[0]!.images;
    if (sets[0]!.images === 0) continue;
    const scores = finished(
      compared(
        sets.map((set) => ({ set, threshold })),
        bootstrap,
      ),
    );
    judged.push(...pooled.map(({ recipe }, k) => ({ recipe, seed, scores: scores[k]! })));
  }
  const rows = plan.recipes.map((recipe) => rowOf(recipe, plan.recipes[0]!, judged));
  return { rows: rows.filter(({ seeds }) => seeds.length > 0), images, threshold, replicates: bootstrap.replicates };
}

/** Each image was judged by the one model that had not seen it. */
function poolOf(files: readonly ScoresFile[]): ScoresFile {
  return { categories: files[0]!.categories, images: files.flatMap(({ images }) => images) };
}

function rowOf(recipe: RecipeName, first: RecipeName, judged: readonly Judgement[]): SweepRow {
  const own = judged.filter((one) => one.recipe === recipe);
  const paired = own.filter(({ seed }) => judged.some((one) => one.recipe === first && one.seed === seed));
  return {
    recipe,
    seeds: own.map(({ seed }) => seed),
    ...headlineOf((metric) => ({
      ...spreadOf(own.map(({ scores }) => entryOf<Compared>(scores, metric).value)),
      versusFirst:
        recipe === first
          ? null
          : versusOf(
              paired.map(({ scores }) => scores),
              metric,
            ),
    })),
  };
}

function spreadOf(values: readonly (number | null)[]): Omit<Spread, 'versusFirst'> {
  const mean = meanOf(values);
  if (mean === null || values.length < 2) return { mean, deviation: null, values };
  const squares = values.reduce<number>((sum, value) => sum + (value! - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)), values };
}

function meanOf(values: readonly (number | null)[]): number | null {
  if (values.length === 0 || values.includes(null)) return null;
  return values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
}

function versusOf(scores: readonly ComparedScores[], metric: Metric): VersusFirst | null {
  const all = scores.map((one) => entryOf<Compared>(one, metric).versusFirst).filter((found) => found !== null);
  if (all.length === 0) return null;
  const count = (verdict: Verdict) => all.filter((found) => found.verdict === verdict).length;
  return {
    difference: meanOf(all.map(({ difference }) => difference)),
    better: count('better'),
    worse: count('worse'),
    notDistinguishable: count('not distinguishable'),
  };
}
