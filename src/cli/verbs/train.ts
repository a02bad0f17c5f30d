// labelscope train: from an annotation file to a run folder.
import { readRecord } from '../../engine/client/folder';
import type { TrainEvent, TrainResult } from '../../protocol/messages';
import { duration } from '../../protocol/pace';
import type { RecipeName } from '../../protocol/recipe';
import { bar, counted, type Io } from '../io';
import { type Arguments, UsageError } from '../usage';
import { CATEGORIES, categoriesOf, defined, DEVICE, deviceOf, DONE, IMAGES, seedOf, STOPPED_BY_PERSON, type Verb } from '../verb';

export const RECIPES: readonly RecipeName[] = ['matlab-example', 'balanced', 'quick', 'best'];

export const train: Verb = {
  spec: {
    positionals: 'ANNOTATIONS',
    count: [1, 1],
    help: 'Train a multilabel classifier from a COCO annotation file.',
    options: {
      images: IMAGES,
      validation: {
        type: 'string',
        value: 'ANNOTATIONS',
        help: 'annotation file to validate on (default: found by name, else a share of the images)',
      },
      'validation-share': { type: 'boolean', help: 'validate on a share of the images, whatever file there is' },
      'validation-images': { type: 'string', value: 'DIR', help: 'folder of its images' },
      categories: CATEGORIES,
      recipe: { type: 'string', value: RECIPES.join('|'), help: 'what is trained and how (default: quick)' },
      set: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'change a setting of the recipe; may be repeated' },
      backbone: { type: 'string', value: 'FILE.onnx', help: 'image classifier to start from (default: ResNet-50)' },
      device: DEVICE,
      seed: { type: 'string', value: 'N', help: 'same seed, same run (default: 0)' },
      run: { type: 'string', value: 'DIR', help: 'run folder (default: a new one in --runs)' },
      runs: { type: 'string', value: 'DIR', help: 'where new runs get their folders (default: labelscope-runs)' },
      resume: { type: 'boolean', help: 'continue the run in --run after its last checkpoint' },
    },
  },
  run: async (args, { io, engine, signal }) => {
    const resume = args.flag('resume');
    const run = args.text('run');
    if (resume && run === undefined) throw new UsageError('--resume needs --run DIR: which run should go on?');
    if (resume) await refuseOthers(args, run!);
    const recipe = args.choice('recipe', RECIPES, 'quick');
    const params = {
      annotations: args.positionals[0]!,
      ...defined({
        images: args.text('images'),
        validation: validationOf(args),
        validationImages: args.text('validation-images'),
      }),
      ...defined({ categories: categoriesOf(args), backbone: args.text('backbone') }),
      recipe,
      set: settings(args),
      device: deviceOf(args),
      seed: seedOf(args) ?? 0,
      run: run ?? newRunFolder(args.text('runs') ?? 'labelscope-runs', recipe),
      resume,
    };
    const result = await engine.request('train', params, { signal, onProgress: teller(io) });
    io.result(result, () => summary(result));
    return result.stopped === 'person' ? STOPPED_BY_PERSON : DONE;
  },
};

/** Undefined where it is to be found, null for a share of the images. */
export function validationOf(args: Arguments): string | null | undefined {
  const file = args.text('validation');
  if (!args.flag('validation-share')) return file;
  if (file === undefined) return null;
  throw new UsageError('--validation FILE and --validation-share exclude each other: validate on the file, or on a share.');
}

/** A resumed run keeps what it was begun with: it may be said again, but nothing else. The engine looks at settings and backbone. */
async function refuseOthers(args: Arguments, run: string): Promise<void> {
  const record = await readRecord(run).catch(() => undefined);
  if (!record) return;
  const kept = { recipe: record.recipe.recipe, seed: String(record.seed), categories: record.categories.join(',') };
  const asked = { recipe: args.text('recipe'), seed: args.text('seed'), categories: categoriesOf(args)?.join(',') };
  for (const name of ['recipe', 'seed', 'categories'] as const) {
    if (asked[name] !== undefined && asked[name] !== kept[name])
      throw new UsageError(
        `${run} was begun with --${name} ${kept[name]}, and a resumed run keeps it: leave out --${name}, or train a new run.`,
      );
  }
}

export function settings(args: Arguments): Record<string, string> {
  const pairs = args.texts('set').map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--set takes KEY=VALUE, not '${text}'.`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** labelscope-runs/2026-01-31T12-00-00-quick: sorts by time, and no character that a file system refuses. */
function newRunFolder(runs: string, recipe: RecipeName): string {
  return `${runs}/${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${recipe}`;
}

/** Tells what training reports, as lines and a progress bar. */
export function teller(io: Io): (event: TrainEvent) => void {
  const features = counted(io, 'Features');
  return (event) => (event.kind === 'features' ? features(event) : tell(io, event));
}

function tell(io: Io, event: Exclude<TrainEvent, { kind: 'features' }>): void {
  switch (event.kind) {
    case 'stage': {
      io.note(event.message);
      return;
    }
    case 'warning': {
      io.problem('warning', event.message);
      return;
    }
    case 'points': {
      for (const point of event.points.filter(({ validationLoss }) => validationLoss !== undefined)) {
        io.note(
          `Epoch ${point.epoch}, iteration ${point.iteration}: loss ${point.loss.toFixed(4)}, validation loss ${point.validationLoss!.toFixed(4)}`,
        );
      }
      const last = event.points.at(-1)!;
      const speed = `${event.imagesPerSecond.toFixed(1)} images/s, at most ${duration(event.secondsLeft)} left`;
      io.progress(
        `Training  ${bar(last.iteration, event.totalIterations)}  ${last.iteration} of ${event.totalIterations}, loss ${last.loss.toFixed(4)}, ${speed}`,
      );
      return;
    }
  }
}

const ENDINGS: Readonly<Record<TrainResult['stopped'], string>> = {
  epochs: 'all epochs are over',
  iterations: 'the iterations asked for are over',
  patience: 'the validation loss stopped improving',
  person: 'stopped by you; everything so far is kept',
};

function summary(result: TrainResult): string[] {
  const { iterations, epochs, best, imagesPerSecond, idleShare, device, run, stopped } = result;
  const waited = idleShare === undefined ? '' : `, ${(100 * idleShare).toFixed(1)} % of the time waiting for images`;
  const lines = [
    `Run        ${run}`,
    `Trained    ${iterations} iterations in ${epochs} epochs: ${ENDINGS[stopped]}`,
    `Best       ${best ? `validation loss ${best.validationLoss.toFixed(4)} at iteration ${best.iteration}` : 'no validation yet'}`,
    `Speed      ${imagesPerSecond.toFixed(1)} images/s on ${device.device}${waited}`,
  ];
  const next =
    stopped === 'person' ? `Continue   labelscope train … --run ${run} --resume` : `Next       labelscope evaluate ${run}`;
  return [...lines, next];
}
