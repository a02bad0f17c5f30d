// `npm start`: the whole way on the sample data, from nothing to a trained, evaluated and explained model.
import { spawn } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasDesktopCode } from '../editor/desktop';
import { type EngineClient, engineClient } from '../engine/client/engine';
import { toWireError } from '../protocol/errors';
import type { EvaluateResult, ExplainResult, PredictResult, SampleResult, TrainResult } from '../protocol/messages';
import { duration } from '../protocol/pace';
import { decimal, type Io, table, terminalIo } from './io';
import { reportOf } from './report';
import { teller } from './verbs/train';

const FOLDER = 'sample';
/** Where the extension looks for runs when the sample is opened as a workspace. */
const RUN = join(FOLDER, 'labelscope-runs', 'quick');
const OVERLAYS = join(FOLDER, 'gradcam');
const REPORT = join(FOLDER, 'report.html');

interface Findings {
  readonly sample: SampleResult;
  readonly trained: TrainResult;
  readonly evaluated: EvaluateResult;
  readonly predicted: PredictResult;
  readonly explained: ExplainResult;
}

async function tour(engine: EngineClient, io: Io, signal: AbortSignal): Promise<Findings> {
  io.note('1/5  Composing the sample data set …');
  const sample = await engine.request('sample', { directory: FOLDER }, { signal });
  io.note('2/5  Training (recipe quick: a new head on the pretrained ResNet-50) …');
  await rm(RUN, { recursive: true, force: true });
  const { trainAnnotations: annotations, validationAnnotations: validation } = sample;
  const params = {
    annotations,
    validation,
    recipe: 'quick' as const,
    set: {},
    device: 'auto' as const,
    seed: 0,
    run: RUN,
    resume: false,
  };
  const trained = await engine.request('train', params, { signal, onProgress: teller(io) });
  io.note('3/5  Evaluating on the validation images …');
  const evaluated = await engine.request('evaluate', { model: RUN, device: 'auto' }, { signal });
  const files = await twoImages();
  io.note('4/5  Predicting two images it has not seen …');
  const predicted = await engine.request('predict', { model: RUN, files, device: 'auto' }, { signal });
  io.note('5/5  Drawing where the model looked …');
  const options = { device: 'auto', out: OVERLAYS, colormap: 'jet', opacity: 0.5 } as const;
  const explained = await engine.request('explain', { model: RUN, files, ...options }, { signal });
  await writeFile(REPORT, (await reportOf(RUN)).page);
  return { sample, trained, evaluated, predicted, explained };
}

async function twoImages(): Promise<string[]> {
  const folder = join(FOLDER, 'val');
  const names = (await readdir(folder)).sort();
  return names.slice(0, 2).map((name) => join(folder, name));
}

function summary({ sample, trained, evaluated, predicted, explained }: Findings, seconds: number): string[] {
  const { micro, jaccard, mAP, images } = evaluated.evaluation;
  const overlays = explained.images.flatMap(({ maps }) => maps.map(({ overlay }) => overlay ?? ''));
  return [
    '',
    `Done in ${duration(seconds)} on ${trained.device.device}.`,
    '',
    ...table([
      ['What', 'Where'],
      ['sample data', `${sample.trainImages} + ${sample.validationImages} images in ${FOLDER}`],
      ['run', RUN],
      ['model', join(RUN, 'model.onnx')],
      ['evaluation', join(RUN, 'evaluation.json')],
      ['overlays', OVERLAYS],
      ['report', `${REPORT} (open it in a browser)`],
    ]),
    '',
    `On ${images} validation images, drawn in a style that training never showed:`,
    `micro F1 ${decimal(micro.f1)}, precision ${decimal(micro.precision)}, recall ${decimal(micro.recall)}, Jaccard ${decimal(jaccard)}, mAP ${decimal(mAP)}`,
    '',
    ...predicted.images.map(({ file, labels }) => `${file}: ${labels.join(', ') || 'no label above the threshold'}`),
    ...overlays.map((overlay) => `  Grad-CAM: ${overlay}`),
    '',
    'Next: npm run code                          opens VS Code with the extension on this sample',
    '      npm run -s labelscope -- train YOUR_ANNOTATIONS.json     (see npm run -s labelscope -- --help)',
  ];
}

async function main(): Promise<void> {
  const io = terminalIo(false);
  const stop = new AbortController();
  process.on('SIGINT', () => stop.abort());
  const engine = engineClient({ script: join(__dirname, 'engine.js'), onLog: () => undefined });
  const started = performance.now();
  try {
    const findings = await tour(engine, io, stop.signal);
    io.result(findings, () => summary(findings, (performance.now() - started) / 1000));
    // On a desktop the editor is the next step anyway.
    if (process.stdout.isTTY && hasDesktopCode()) spawn(process.execPath, [join(__dirname, 'code.js')], { stdio: 'inherit' });
  } catch (error) {
    io.note(toWireError(error).message);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  } finally {
    await engine.stop();
  }
}

void main();
