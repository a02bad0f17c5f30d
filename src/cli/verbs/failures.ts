// labelscope failures: where a model fails, from the scores that its evaluation kept: slices of the images, pairs of categories, images.
import { resolve } from 'node:path';
import { readEvaluation, whyNoEvaluation } from '../../engine/client/folder';
import { readImageFacts } from '../../engine/client/image-facts';
import { judgedThreshold, scoredSetOf } from '../../engine/client/scores';
import { checkSet, checkThreshold } from '../../metrics/check';
import { PAIR_KINDS } from '../../metrics/pairs';
import type { ScoredSet } from '../../metrics/types';
import { LabelscopeError } from '../../protocol/errors';
import { type Cell, listCell, listPair, listSlice } from '../behind';
import { analysis, type Opened, type Told } from '../failures';
import { type Arguments, UsageError } from '../usage';
import { DONE, THRESHOLD_OR_SAVED, thresholdOrSaved, type Verb } from '../verb';

const CELLS: readonly Cell[] = ['tp', 'fp', 'fn', 'tn'];

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
      threshold: { ...THRESHOLD_OR_SAVED, help: `${THRESHOLD_OR_SAVED.help} (default: the evaluation's)` },
      category: { type: 'string', value: 'NAME', help: 'look at this category alone' },
      list: { type: 'string', value: CELLS.join('|'), help: 'list the images behind this count of --category' },
      slice: { type: 'string', value: 'NAME', help: 'with --by: list the images of this slice, with --list those of the count' },
      pair: {
        type: 'string',
        value: 'A,B',
        help: `list the images in which these two go wrong; --list ${PAIR_KINDS.join('|')} says how (default: confused)`,
      },
    },
  },
  run: async (args, { io }) => {
    const tell = chosen(args);
    const { value, lines } = tell(await open(args));
    io.result(value, () => lines);
    return DONE;
  },
};

/** What is asked for, before anything is read. @throws UsageError where options do not go together */
function chosen(args: Arguments): (run: Opened) => Told {
  const [by, slice, pair, list] = (['by', 'slice', 'pair', 'list'] as const).map((name) => args.text(name));
  const hasCategory = args.text('category') !== undefined;
  if (pair !== undefined) {
    if (by !== undefined || slice !== undefined || hasCategory)
      throw new UsageError('--pair names both categories: leave out --by, --slice and --category.');
    const kind = args.choice('list', PAIR_KINDS, 'confused');
    return (run) => listPair(run, pair, kind);
  }
  if (slice !== undefined && by === undefined) throw new UsageError('--slice needs --by: a slice by what?');
  const wanted = by === undefined || slice === undefined ? undefined : { by, slice };
  if (list === undefined) return (run) => (wanted ? listSlice(run, wanted) : analysis(run, by));
  const cell = args.choice('list', CELLS, 'fp');
  if (!hasCategory) throw new UsageError('--list needs --category NAME: whose images shall be listed?');
  if (by !== undefined && !wanted) throw new UsageError('--list with --by needs --slice NAME: the images of which slice?');
  return (run) => listCell(run, cell, wanted);
}

/** @throws LabelscopeError 'run-missing', 'evaluation-missing', 'evaluation-unreadable', 'evaluation-outdated', 'category-unknown' */
async function open(args: Arguments): Promise<Opened> {
  const folder = resolve(args.positionals[0]!);
  const stored = await readEvaluation(folder);
  if (!stored) throw await whyNoEvaluation(folder);
  const { result, scores } = stored;
  const set = scoredSetOf(scores);
  const threshold = judgedThreshold(folder, stored, thresholdOrSaved(args));
  checkSet(set);
  checkThreshold(set, threshold);
  const name = args.text('category');
  const category = name === undefined ? undefined : categoryOf(set, name);
  return { folder, stored, facts: await readImageFacts(folder, result.split, scores), set, threshold, category };
}

function categoryOf({ categories }: ScoredSet, name: string): number {
  const found = categories.indexOf(name);
  if (found >= 0) return found;
  throw new LabelscopeError('category-unknown', `The model knows no category '${name}'. It knows: ${categories.join(', ')}.`);
}
