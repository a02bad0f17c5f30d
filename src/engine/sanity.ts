// The request `sanity`: whether Grad-CAM maps depend on the weights (Adebayo et al., "Sanity checks for saliency maps", 2018).
import { enlarged, isFlat } from '../heatmap/enlarge';
import { meanInterval } from '../metrics/interval';
import { mean } from '../metrics/quality';
import { randomStream } from '../metrics/random';
import { rankCorrelation, structuralSimilarity } from '../metrics/similarity';
import { type Classifier, withTensors } from '../onnx/classifier';
import { encodeModel } from '../onnx/encode';
import { buildGradCam, SIGNED_MAPS, withStage } from '../onnx/gradcam';
import { buildInferenceModel, withoutCalibration } from '../onnx/inference';
import type { Tensor } from '../onnx/model';
import { type Stage, stagesOf } from '../onnx/stages';
import { LabelscopeError } from '../protocol/errors';
import type { MapSimilarity, SanityParams, SanityResult } from '../protocol/looking';
import type { CountProgress, DeviceUsed, FailedFile } from '../protocol/messages';
import type { Context } from './context';
import { splitOf } from './evaluate';
import type { Pixels } from './images';
import { readRows, sampled } from './looking';
import { type MapSessions, mapsOf, type RawMap, see } from './maps';
import { kept } from './pointing';
import { targetOf } from './runtime/messages';
import type { Trained } from './trained';

const DEFAULT_SAMPLE = 50;

/** Sides to which maps are enlarged before their structure is compared. */
const SIDE = 64;

type Tensors = Readonly<Record<string, Tensor>>;

/** An image, and the category that the unchanged model finds likeliest: all maps are that category's. */
interface Subject {
  readonly pixels: Pixels;
  readonly column: number;
  readonly map: RawMap;
}

/**
 * Cascading randomisation from the head down, and each stage alone. A tensor becomes random by shuffling its values: shape and
 * distribution stay. Maps are compared before their negative values become 0: with random weights often nothing else is left, and
 * maps that are 0 everywhere cannot be compared.
 *
 * @throws LabelscopeError 'no-maps', 'annotations-missing', 'write-failed'; OnnxError 'onnx-unsupported' as `explain`
 */
export async function sanity(
  params: SanityParams,
  context: Context,
  emit: (progress: CountProgress) => void,
): Promise<SanityResult> {
  const { sample = DEFAULT_SAMPLE, seed = 0 } = params;
  const device = await context.device(params.device);
  return context.models.use(params.model, device, async ({ trained }) => {
    const { split, name } = await splitOf(params, trained, context);
    const rows = sampled([...split.paths.keys()], sample, seed);
    const stages = stagesOf(trained.classifier);
    const failed: FailedFile[] = [...split.failed];
    // One pass over the images by the unchanged model, then one for each step: the head alone begins both ways.
    const total = rows.length * (2 * stages.length);
    let before = 0;
    const work: Work = { trained, device, context, tell: (done) => emit({ done: Math.min(total, before + done), total }) };
    const subjects = await subjectsOf(rows, split.paths, failed, work);
    if (subjects.length === 0) throw noMaps(split.source.annotations);
    const step = async (random: readonly Stage[]) => {
      before += rows.length;
      return similarityOf(subjects, await mapsWith(shuffledTensors(trained.classifier, random, seed), subjects, work));
    };
    const cascading: MapSimilarity[] = [];
    for (const k of stages.keys()) cascading.push(await step(stages.slice(0, k + 1)));
    const independent: MapSimilarity[] = [...cascading.slice(0, 1)];
    for (const stage of stages.slice(1)) independent.push(await step([stage]));
    const result: SanityResult = {
      model: trained.path,
      annotations: split.source.annotations,
      split: name,
      created: new Date().toISOString(),
      seed,
      images: subjects.length,
      available: split.paths.length,
      failed,
      stages: stages.map((stage) => ({ name: stage.name, tensors: stage.tensors.length, values: valuesOf(trained, stage) })),
      cascading,
      independent,
      otherImage: similarityOf(
        subjects,
        [...subjects.slice(1), subjects[0]!].map(({ map }) => map),
      ),
      verdict: verdictOf(cascading.at(-1)!),
    };
    return kept(result, trained, 'sanity');
  });
}

interface Work {
  readonly trained: Trained;
  readonly device: DeviceUsed;
  readonly context: Context;
  readonly tell: (done: number) => void;
}

/** Images whose map by the unchanged model says something. */
async function subjectsOf(
  rows: readonly number[],
  paths: readonly string[],
  failed: FailedFile[],
  work: Work,
): Promise<Subject[]> {
  const { classifier } = work.trained;
  const { signal } = work.context;
  return withSessions(classifier, work, async (sessions) => {
    const subjects: Subject[] = [];
    const emit = ({ done }: CountProgress) => work.tell(done);
    for await (const { pixels } of readRows(rows, paths, failed, { ...classifier, signal, emit })) {
      const seen = await see(classifier, pixels, sessions);
      const column = seen.probabilities.indexOf(Math.max(...seen.probabilities));
      const [map] = await mapsOf(classifier, seen, [column], sessions);
      if (!isFlat(map!)) subjects.push({ pixels, column, map: map! });
    }
    return subjects;
  });
}

/** The subjects' maps by the network with other values of some tensors. */
async function mapsWith(tensors: Tensors, subjects: readonly Subject[], work: Work): Promise<RawMap[]> {
  const classifier = withTensors(work.trained.classifier, tensors);
  return withSessions(classifier, work, async (sessions) => {
    const found: RawMap[] = [];
    for (const { pixels, column } of subjects) {
      work.context.signal.throwIfAborted();
      const seen = await see(classifier, pixels, sessions);
      found.push((await mapsOf(classifier, seen, [column], sessions))[0]!);
      work.tell(found.length);
    }
    return found;
  });
}

/** Sessions for one category at a time, for as long as the work takes. */
async function withSessions<T>(
  classifier: Classifier,
  { trained, device, context: { runtime } }: Work,
  use: (sessions: MapSessions) => Promise<T>,
): Promise<T> {
  const models = [
    buildGradCam(classifier, 1, targetOf(device)),
    withStage(buildInferenceModel(classifier, withoutCalibration(trained.card)), classifier),
  ];
  const loaded: number[] = [];
  try {
    for (const model of models) loaded.push(await runtime.load(encodeModel(model), device));
    const [mapping, scoring] = loaded as [number, number];
    return await use({ runtime, scoring, mapping, atOnce: 1, output: SIGNED_MAPS });
  } finally {
    for (const session of loaded) await runtime.release({ session });
  }
}

/** The tensors of the stages, each with its own values in another order, which its name and the seed decide. */
export function shuffledTensors({ graph }: Classifier, stages: readonly Stage[], seed: number): Tensors {
  const names = stages.flatMap(({ tensors }) => tensors);
  const shuffled = names.map((name) => {
    const tensor = graph.initializers.get(name) as Tensor<'float32'>;
    return [name, { ...tensor, data: randomStream(seed, 'sanity', name).shuffle(tensor.data.slice()) }] as const;
  });
  return Object.fromEntries(shuffled);
}

function valuesOf({ classifier: { graph } }: Trained, { tensors }: Stage): number {
  return tensors.reduce((sum, name) => sum + graph.initializers.get(name)!.data.length, 0);
}

/** Of each subject's map and another. A map that vanished or is not finite is like nothing: rank correlation 0. */
export function similarityOf(subjects: readonly Pick<Subject, 'map'>[], others: readonly RawMap[]): MapSimilarity {
  const pairs = subjects.map(({ map }, k) => [map, finite(others[k]!)] as const);
  const ranks = pairs.map(([a, b]) => rankCorrelation(a.values, b.values) ?? 0);
  const structures = pairs.map(([a, b]) => structuralSimilarity(pictureOf(a), pictureOf(b)));
  return {
    rankCorrelation: mean(ranks),
    rankInterval: meanInterval(ranks, undefined, [-1, 1]),
    ssim: mean(structures),
    ssimInterval: meanInterval(structures, undefined, [-1, 1]),
    flat: pairs.filter(([, other]) => isFlat(other)).length,
  };
}

/** Random weights in many layers can leave the range of numbers. */
function finite(map: RawMap): RawMap {
  return map.values.every(Number.isFinite) ? map : { ...map, values: map.values.map(() => 0) };
}

function pictureOf(map: RawMap) {
  return { width: SIDE, height: SIDE, values: enlarged(map, SIDE, SIDE) };
}

/** Halfway between maps that do not change with the weights (1) and maps that have nothing in common (0). */
const HALFWAY = 0.5;

function verdictOf({ rankInterval }: MapSimilarity): SanityResult['verdict'] {
  if (!rankInterval) return 'unclear';
  const [low, high] = rankInterval;
  return high < HALFWAY ? 'depend' : low > HALFWAY ? 'do-not-depend' : 'unclear';
}

function noMaps(annotations: string): LabelscopeError {
  return new LabelscopeError(
    'no-maps',
    `No image of ${annotations} could be read and has a map that is not the same everywhere: there is nothing to compare. Name other images.`,
  );
}
