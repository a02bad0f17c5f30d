// labelscope review: labels that are probably wrong or missing, and a corrected copy of the annotation file by what a person decided of them.
import type { CorrectResult, SuspectsProgress, SuspectsResult } from '../../protocol/review';
import { counted, decimal, type Io, table } from '../io';
import { type Arguments, UsageError } from '../usage';
import {
  CATEGORIES,
  categoriesOf,
  defined,
  DEVICE,
  deviceOf,
  DONE,
  foldsOf,
  IMAGES,
  seedOf,
  type Session,
  type Verb,
} from '../verb';

const MOST = 5000;
/** For people: a program gets all that were asked for. */
const SHOWN = 50;

export const review: Verb = {
  spec: {
    positionals: 'ANNOTATIONS  |  review ANNOTATIONS --decisions FILE --out FILE.json',
    count: [1, 1],
    help: 'Labels that are probably wrong or missing, by models that have not seen the image; with --decisions, a corrected copy.',
    options: {
      images: IMAGES,
      categories: CATEGORIES,
      'include-unlabeled': { type: 'boolean', help: 'also look at images that show none of the categories' },
      folds: { type: 'string', value: 'K', help: 'each image is scored by a model trained on the other folds (default: 5)' },
      seed: { type: 'string', value: 'N', help: 'same seed, same folds (default: 0)' },
      limit: { type: 'string', value: 'N', help: `list so many, the most suspect first (default: ${MOST})` },
      device: DEVICE,
      decisions: {
        type: 'string',
        value: 'FILE.json|FILE.csv',
        help: 'what was decided: image, category and accept, reject or skip',
      },
      out: { type: 'string', value: 'FILE.json', help: 'the corrected copy; its change log goes beside it' },
    },
  },
  run: async (args, session) => {
    const decisions = args.text('decisions');
    if (decisions !== undefined) return correct(args, decisions, session);
    if (args.text('out') !== undefined) throw new UsageError('review --out needs --decisions FILE: what shall be corrected?');
    return list(args, session);
  },
};

async function list(args: Arguments, { io, engine, signal }: Session): Promise<number> {
  const params = {
    annotations: args.positionals[0]!,
    folds: foldsOf(args) ?? 5,
    seed: seedOf(args) ?? 0,
    limit: args.number('limit', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }) ?? MOST,
    device: deviceOf(args),
    includeUnlabeled: args.flag('include-unlabeled'),
    ...defined({ images: args.text('images'), categories: categoriesOf(args) }),
  };
  const result = await engine.request('suspects', params, { signal, onProgress: teller(io) });
  for (const { error } of result.failed) io.note(`left out: ${error}`);
  if (result.together > 0) io.note(`${result.together} groups of nearly the same images stayed in one fold.`);
  io.result(result, () => suspectLines(result));
  return DONE;
}

function teller(io: Io): (progress: SuspectsProgress) => void {
  const stages = {
    reading: counted(io, 'Reading', '%'),
    looking: counted(io, 'Looking at images'),
    features: counted(io, 'Computing features'),
    folds: counted(io, 'Training on folds', '%'),
  };
  return ({ stage, ...progress }) => stages[stage](progress);
}

function suspectLines({ images, folds, categories, found, suspects }: SuspectsResult): string[] {
  const judged = categories.filter(({ estimate }) => estimate !== null);
  const rest = categories.length - judged.length;
  return [
    `${images} images in ${folds} folds; ${found} suspect labels`,
    '',
    ...table([
      ['category', 'images', 'probably missing', 'probably wrong', 'noise rate'],
      ...judged.map(({ category, given, estimate }) => [
        category,
        given,
        estimate!.missing.toFixed(1),
        estimate!.wrong.toFixed(1),
        decimal(estimate!.rate),
      ]),
    ]),
    ...(rest === 0 ? [] : [`${rest} of the categories could not be judged, for too few images with or without the label.`]),
    '',
    ...table([
      ['suspect', 'category', 'score', 'image'],
      ...suspects.slice(0, SHOWN).map(({ kind, category, score, image }) => [kind, category, decimal(score), image]),
    ]),
    ...(found > SHOWN ? [`… and ${found - SHOWN} more: --json lists them.`] : []),
  ];
}

async function correct(args: Arguments, decisions: string, { io, engine, signal }: Session): Promise<number> {
  const out = args.text('out');
  if (out === undefined) throw new UsageError('review --decisions needs --out FILE.json: where shall the corrected copy go?');
  const params = { annotations: args.positionals[0]!, decisions, out, ...defined({ images: args.text('images') }) };
  const result = await engine.request('correct', params, { signal, onProgress: counted(io, 'Writing', '%') });
  io.result(result, () => correctedLines(result));
  return DONE;
}

export function correctedLines(result: CorrectResult): string[] {
  return [
    `Corrected ${result.path}`,
    `Change log ${result.log}`,
    '',
    ...table([
      ['labels', 'count'],
      ['added', result.added],
      ['removed', result.removed],
      ['already so', result.already],
      ['rejected', result.rejected],
      ['skipped', result.skipped],
    ]),
    `${result.annotationsRemoved} annotations went with the removed labels.`,
  ];
}
