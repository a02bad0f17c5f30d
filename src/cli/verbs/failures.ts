// labelscope failures: where a model fails, from the scores that its evaluation kept: slices of the images, pairs of categories, images.
import { resolve } from 'node:path';
import { readEvaluation } from '../../engine/client/folder';
import { readImageFacts } from '../../engine/client/image-facts';
import { scoredSetOf } from '../../engine/client/scores';
import { checkSet, checkThreshold } from '../../metrics/check';
import { imagesBehind } from '../../metrics/predicted';
import type { ScoredSet } from '../../metrics/types';
import { LabelscopeError } from '../../protocol/errors';
import { analysis, type Opened, type Told } from '../failures';
import { decimal, table } from '../io';
import { type Arguments, UsageError } from '../usage';
import { DONE, THRESHOLD, thresholdOf, type Verb } from '../verb';

const CELLS = ['tp', 'fp', 'fn', 'tn'] as const;
type Cell = (typeof CELLS)[number];

export const failures: Verb = {
  spec: {
    positionals: 'RUN',
    count: [1, 1],
    help: 'Where a model fails: slices, pairs of categories, and the images behind a number of its evaluation.',
    options: {
      by: {
        type: 'string',
        value: 'area|labels|size|co-occurrence|field:NAME',
        help: 'only these slices (default: all, and the pairs)',
      },
      threshold: THRESHOLD,
      category: { type: 'string', value: 'NAME', help: 'look at this category alone' },
      list: { type: 'string', value: CELLS.join('|'), help: 'list the images behind this count of --category' },
    },
  },
  run: async (args, { io }) => {
    const cell = args.text('list') === undefined ? undefined : args.choice<Cell>('list', CELLS, 'fp');
    const run = await open(args);
    const { value, lines } = cell ? listing(run, cell) : analysis(run, args.text('by'));
    io.result(value, () => lines);
    return DONE;
  },
};

/** @throws LabelscopeError 'evaluation-missing', 'evaluation-unreadable', 'category-unknown' */
async function open(args: Arguments): Promise<Opened> {
  const folder = resolve(args.positionals[0]!);
  const stored = await readEvaluation(folder);
  if (!stored)
    throw new LabelscopeError(
      'evaluation-missing',
      `${folder} holds no evaluation. Give the folder of a run, and evaluate it first: labelscope evaluate "${folder}"`,
    );
  const { result, scores } = stored;
  const set = scoredSetOf(scores);
  const threshold = thresholdOf(args) ?? result.evaluation.threshold;
  checkSet(set);
  checkThreshold(set, threshold);
  const name = args.text('category');
  const category = name === undefined ? undefined : categoryOf(set, name);
  if (args.text('list') !== undefined && category === undefined)
    throw new UsageError('--list needs --category NAME: whose images shall be listed?');
  return { folder, stored, facts: await readImageFacts(folder, result.split, scores), set, threshold, category };
}

function categoryOf({ categories }: ScoredSet, name: string): number {
  const found = categories.indexOf(name);
  if (found >= 0) return found;
  throw new LabelscopeError('category-unknown', `The model knows no category '${name}'. It knows: ${categories.join(', ')}.`);
}

function listing({ folder, stored, set, threshold, category }: Opened, cell: Cell): Told {
  const { images } = stored.scores;
  const name = set.categories[category!]!;
  const found = imagesBehind(set, category!, cell, threshold).map(({ row, score }) => {
    const { file_name, path, labels } = images[row]!;
    return { file_name, path, score, labels };
  });
  const rows = found.map(({ path, score, labels }) => [decimal(score), path, labels.join(', ')]);
  return {
    value: { run: folder, split: stored.result.split, threshold, category: name, cell, images: found },
    lines: [`${found.length} images: ${cell} of ${name}`, '', ...table([['score', 'image', 'labels'], ...rows])],
  };
}
