// What is measured: every case of the benchmark `step`, and the options that choose among them.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Device } from '../src/engine/runtime/messages';

export interface Case {
  readonly kind: 'forward' | 'step';
  readonly batchSize: number;
  readonly layers: 'all' | 'last-stages';
  readonly batchNorm: 'frozen' | 'batch';
}

export interface Options {
  readonly cases: readonly Case[];
  readonly device: Device;
  /** Whether CUDA is added where it is missing. */
  readonly install: boolean;
  /** The Python that has the peers; undefined = that of bench/peers/.venv. */
  readonly python: string | undefined;
  /** Without torch.compile. */
  readonly eager: boolean;
  readonly rounds: number;
  readonly threads: number;
  /** Lower bound of the time that a contestant works before the next one's turn, in seconds. */
  readonly turnSeconds: number;
  /** How long to wait before a round until other programs leave the processor alone, in seconds. */
  readonly patience: number;
  readonly json: boolean;
  readonly out: string | undefined;
}

export const USAGE = `npm run bench -- step [--only step|forward] [--layers all|last-stages] [--norm frozen|batch] [--batch N]... [--rounds N]
                         [--device cpu|webgpu|cuda] [--install] [--python PROGRAM] [--eager] [--threads N] [--patience SECONDS] [--json] [--out FILE]
  --only     training steps alone, or forward inference alone
  --layers, --norm  of the training steps, those of one kind alone
  --batch    instead of 1, 8 and 32 (forward), 16 and 32 (all layers), 16 (last stages); on a GPU 1, 32 and 128, 32 and 64, 32
  --device   where Labelscope works (default cpu); PyTorch beside it works on the CPU or with CUDA
  --install  with --device cuda, adds ONNX Runtime's CUDA provider where it is missing, as 'labelscope doctor --install cuda' does: its
             installer fetches several hundred megabytes from its package feed into Labelscope's cache folder
  --python   a Python that has PyTorch, instead of that of bench/peers/.venv
  --eager    without torch.compile, which takes long to start on a GPU
  --rounds   turns that each contestant gets in a case (default 7)
  --threads  of each contestant (default: one per core)
  --patience how long to wait before a round until other programs leave the processor alone (default 1)
  --json     the report as JSON on stdout
  --out      the report as JSON into this file
npm run bench -- recipes TRAINING TEST [--categories a,b] [--include-unlabeled] [--image-size N] [--fewest N] [--folds N]
                         [--seeds N,N] [--only NAME,NAME] [--peer] [--flip] [--halves] [--name NAME] [--out FILE]
  --image-size  side in pixels, instead of the backbone's own
  --fewest   categories with fewer images are left out (default 5)
  --folds    of the training images, by which a recipe is chosen (default 3)
  --only     some of the changes of the recipe quick, or none
  --peer     scikit-learn's logistic regression on the same folds of the features of each pooling
  --flip     also scores that are means over image and mirror image
  --halves   learn from all training images, validate on one half of the test images and judge on the other, both ways round
  --out      appends one line of JSON a measurement
npm run bench -- predict RUN IMAGE [--device cpu|webgpu|cuda] [--rounds N] [--python PROGRAM]      (default 5 rounds)
npm run bench -- all [--device cpu|webgpu|cuda] and the options of step, but --json and --out
                                     every benchmark that needs no data of its own, one after the other; on a GPU, those in which it has a part;
                                     exit status 1 where anything could not be measured
npm run bench -- train [ANNOTATIONS] [--recipe balanced|matlab-example] [--device cpu|webgpu|cuda] [--steps N]
                                     training from image files: images a second, and how long steps waited for them
  ANNOTATIONS  without, the built-in sample
  --steps    of each recipe (default 15, on a GPU 200)
npm run bench -- screen              from the key that opens an image to its labels and maps on the screen of a browser-served VS Code
npm run bench -- activation          after npm run package
npm run bench -- grid                the dataset panel over 120,000 images, in Chromium
npm run bench -- slider [TAB...]     the evaluation panel's slider over 5,000 images × 80 categories, in Chromium
npm run bench -- quick ANNOTATIONS [--rounds N] [--device cpu|webgpu|cuda]        the recipe quick on the command line, with nothing computed before and again
npm run bench -- scale [--images N] [--part features|steps|network]  time and memory of an image in a set of N (default 120000) and of 1,000
  --part     of a simulated network the pass for features and steps, or 30 steps of ResNet-50 (without, all three)
npm run bench -- python RUN IMAGES [--python PROGRAM]     the exported model in the onnxruntime of PyPI
npm run bench -- crashes [--kills N] [--seed N]
  --kills    of the engine, at random moments (default 40)
  --seed     of the moments (default 1)
npm run bench -- load [PART...] [--requests N] [--at-once N] [--iterations N] [--cycles N] [--seed N]
  PART       requests, day, panels (in a browser-served VS Code); without, all of them
  --requests in a row, and as many at once (default 10000); --at-once of them unanswered at any time (default 64)
  --iterations of the run that stands for a day (default 20000)
  --cycles   panels that are opened and closed (default 1000)
npm run bench -- fuzz [KIND...] [--inputs N] [--from N]
  KIND       annotations, pictures, networks, runs, predictions, settings, messages; without, all of them
  --inputs   of each kind (default 1000), numbered from --from (default 0): a number is always the same input
npm run bench -- coco [--rounds N] [--times N]
  --times    also a file with so many times COCO's annotations, without the peers, whose memory would not do`;

export class UsageError extends Error {}

/** @throws UsageError with the reason */
export function readOptions(args: string[]): Options {
  const { values } = parse(args);
  const { only, batch = [] } = values;
  if (only !== undefined && only !== 'step' && only !== 'forward')
    throw new UsageError(`--only is step or forward, not '${only}'.`);
  if (![undefined, 'all', 'last-stages'].includes(values.layers)) throw new UsageError(`--layers is all or last-stages.`);
  if (![undefined, 'frozen', 'batch'].includes(values.norm)) throw new UsageError(`--norm is frozen or batch.`);
  const sizes = batch.map((text) => wholeNumber('--batch', text));
  const device = deviceOf(values.device);
  if (values.install && device !== 'cuda') throw new UsageError('--install belongs to --device cuda.');
  return {
    cases: allCases(sizes, device).filter((one) => isWanted(one, values)),
    device,
    install: values.install,
    python: values.python,
    eager: values.eager,
    rounds: wholeNumber('--rounds', values.rounds),
    threads: wholeNumber('--threads', values.threads),
    turnSeconds: 2,
    patience: wholeNumber('--patience', values.patience),
    json: values.json,
    out: values.out,
  };
}

type Wanted = Pick<ReturnType<typeof parse>['values'], 'only' | 'layers' | 'norm'>;

function isWanted({ kind, layers, batchNorm }: Case, wanted: Wanted): boolean {
  const isOf = (of: string | undefined, one: string) => of === undefined || of === one;
  return isOf(wanted.only, kind) && isOf(wanted.layers, layers) && isOf(wanted.norm, batchNorm);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string' },
        layers: { type: 'string' },
        norm: { type: 'string' },
        batch: { type: 'string', multiple: true },
        device: { type: 'string', default: 'cpu' },
        install: { type: 'boolean', default: false },
        python: { type: 'string' },
        eager: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '7' },
        threads: { type: 'string', default: String(availableParallelism()) },
        patience: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @throws UsageError */
export function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`${option} is a whole number from 1 on, not '${text}'.`);
  return Number(text);
}

/** @throws UsageError */
export function deviceOf(name: string): Device {
  if (name === 'cpu' || name === 'webgpu' || name === 'cuda') return name;
  throw new UsageError(`--device is cpu, webgpu or cuda, not '${name}'.`);
}

/** A GPU is busy with larger batches. */
const USUAL = {
  cpu: { forward: [1, 8, 32], step: [16, 32], lastStages: [16] },
  gpu: { forward: [1, 32, 128], step: [32, 64], lastStages: [32] },
};

function allCases(sizes: readonly number[], device: Device): Case[] {
  const usual = USUAL[device === 'cpu' ? 'cpu' : 'gpu'];
  const of = (kind: Case['kind'], layers: Case['layers'], batchNorm: Case['batchNorm'], batches: readonly number[]): Case[] =>
    (sizes.length > 0 ? sizes : batches).map((batchSize) => ({ kind, batchSize, layers, batchNorm }));
  return [
    ...of('forward', 'all', 'frozen', usual.forward),
    ...of('step', 'all', 'frozen', usual.step),
    ...of('step', 'all', 'batch', usual.step),
    ...of('step', 'last-stages', 'frozen', usual.lastStages),
  ];
}

export function nameOf({ kind, batchSize, layers, batchNorm }: Case): string {
  if (kind === 'forward') return `forward, batch ${batchSize}`;
  const norm = batchNorm === 'frozen' ? 'frozen norm' : 'batch statistics';
  return `step, ${layers === 'all' ? 'all layers' : 'last stages'}, ${norm}, batch ${batchSize}`;
}
