// labelscope labels: the labels of an annotation file as a table that people and programs edit, and a corrected copy by such a table.
import { resolve } from 'node:path';
import { labelSet } from '../../dataset/labels';
import { openAnnotations } from '../../dataset/index-cache';
import { readPredictions } from '../../dataset/predictions';
import type { LabelledSet } from '../../dataset/types';
import { LabelscopeError } from '../../protocol/errors';
import type { Decision } from '../../dataset/decisions';
import { writeAtomically } from '../../engine/client/atomic';
import { counted } from '../io';
import { LABEL_FORMS, labelFormOf, labelText } from '../label-files';
import { type Arguments, UsageError } from '../usage';
import { CATEGORIES, categoriesOf, defined, DONE, IMAGES, type Session, type Verb } from '../verb';
import { correctedLines } from './review';

export const labels: Verb = {
  spec: {
    positionals: 'ANNOTATIONS --out FILE  |  labels ANNOTATIONS --from FILE.csv --out FILE.json',
    count: [1, 1],
    help: 'The labels of an annotation file as CSV, JSON, COCO or for FiftyOne; with --from, a corrected copy by a table of labels.',
    options: {
      out: { type: 'string', value: 'FILE', help: 'the new file, by its ending CSV or JSON' },
      format: { type: 'string', value: LABEL_FORMS.join('|'), help: "the file's form" },
      from: {
        type: 'string',
        value: 'FILE.csv',
        help: 'a table of 1 and 0, one row an image; its categories alone are corrected',
      },
      categories: CATEGORIES,
      images: { ...IMAGES, help: 'with --from: where the sizes of images come from that their records do not tell' },
    },
  },
  run: async (args, session) => {
    const out = args.text('out');
    if (out === undefined) throw new UsageError('labels needs --out FILE: where shall they go?');
    const from = args.text('from');
    return from === undefined ? write(args, out, session) : correct(args, { from, out }, session);
  },
};

async function openSet(args: Arguments, { io, signal }: Session) {
  const count = counted(io, 'Reading', 'MB');
  const onProgress = (done: number, total: number) => count({ done, total });
  const index = await openAnnotations(resolve(args.positionals[0]!), { signal, onProgress });
  return { index, set: labelSet(index, { categories: categoriesOf(args), includeUnlabeled: true }) };
}

async function write(args: Arguments, out: string, session: Session): Promise<number> {
  const path = resolve(out);
  const form = labelFormOf(args, out);
  const { set } = await openSet(args, session);
  const images = set.images.map(({ fileName, width, height }, row) => ({
    name: fileName,
    labels: set.categories.filter((_, column) => set.labels[row * set.categories.length + column] === 1),
    ...(width > 0 && height > 0 && { size: { width, height } }),
  }));
  await writeAtomically(path, [labelText(form, set.categories, images)], session.signal);
  const count = images.reduce((sum, image) => sum + image.labels.length, 0);
  const result = { path, format: form, images: images.length, categories: set.categories.length, labels: count };
  session.io.result(result, () => [`Written ${path}: ${count} labels of ${images.length} images`]);
  return DONE;
}

async function correct(
  args: Arguments,
  { from, out }: { readonly from: string; readonly out: string },
  session: Session,
): Promise<number> {
  if (args.text('format') !== undefined) throw new UsageError('A corrected copy is a COCO file: leave out --format.');
  const { io, engine, signal } = session;
  const { index, set } = await openSet(args, session);
  const decisions = differences(from, set, await readPredictions(resolve(from), set, index));
  const params = {
    annotations: index.path,
    fingerprint: index.fingerprint,
    decisions,
    out,
    ...defined({ images: args.text('images') }),
  };
  const result = await engine.request('correct', params, { signal, onProgress: counted(io, 'Writing', '%') });
  io.result(result, () => correctedLines(result));
  return DONE;
}

/** Each label that the table has otherwise. @throws LabelscopeError 'labels-value' */
function differences(from: string, { images, categories, labels: given }: LabelledSet, wanted: Float64Array): Decision[] {
  const decisions: Decision[] = [];
  wanted.forEach((value, at) => {
    const [image, category] = [images[Math.floor(at / categories.length)]!.fileName, categories[at % categories.length]!];
    if (value !== 0 && value !== 1)
      throw new LabelscopeError(
        'labels-value',
        `${from} has ${value} for "${category}" of ${image}. A table of labels has 1 and 0 alone.`,
      );
    if (value !== given[at]) decisions.push({ image, category, decision: 'accept', kind: value === 1 ? 'missing' : 'wrong' });
  });
  return decisions;
}
