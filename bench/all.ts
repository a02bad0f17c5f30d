// `npm run bench -- all`: every benchmark that needs no data of its own, one after the other, as one page.
import { rm } from 'node:fs/promises';
import { type Options, readOptions, UsageError } from './cases';
import { readyDevice } from './device';
import { drawSample, trainSampleRun } from './sample-run';

type Say = (text: string) => void;

interface Section {
  readonly title: string;
  /** Whether a GPU has a part in it. */
  readonly onGpu: boolean;
  readonly lines: () => Promise<string[]>;
}

/**
 * @param args those of the benchmark `step`
 * @param onFailed called where a section, or a case of one, could not be measured
 * @throws LabelscopeError 'device-unavailable' before anything is measured
 */
export async function* benchAll(args: string[], say: Say, onFailed: () => void): AsyncGenerator<string[]> {
  const options = readOptions(args);
  if (options.json || options.out !== undefined)
    throw new UsageError('all writes one page of text: --json and --out belong to the benchmark step.');
  await readyDevice(options, say);
  for (const { title, lines } of sections(options, say, onFailed).filter(({ onGpu }) => options.device === 'cpu' || onGpu)) {
    say(title);
    // One that cannot run here, for want of Chromium for example, keeps no other from running.
    const found = await lines().catch((error: unknown) => {
      onFailed();
      return [`Not measured: ${(error as Error).message}`];
    });
    yield [`## ${title}`, '', ...found, ''];
  }
}

function sections(options: Options, say: Say, onFailed: () => void): Section[] {
  const { device, python } = options;
  return [
    {
      title: 'ResNet-50: forward inference and training steps',
      onGpu: true,
      lines: () => stepLines(options, say, onFailed),
    },
    {
      title: 'Labels and Grad-CAM maps of an image',
      onGpu: true,
      lines: async () => {
        const { benchPredict } = await import('./predict');
        const { folder, run, image } = await trainSampleRun(device);
        const peer = python === undefined ? [] : ['--python', python];
        const asked = [run, image, '--device', device, ...peer];
        return benchPredict(asked, say).finally(() => rm(folder, { recursive: true, force: true }));
      },
    },
    {
      title: 'Training from image files, on the sample data set',
      onGpu: true,
      lines: async () => (await import('./train')).benchTrain(['--device', device], say),
    },
    {
      title: 'The recipe quick on the sample data set',
      onGpu: true,
      lines: async () => {
        const { folder, annotations } = await drawSample();
        const { benchQuick } = await import('./quick');
        return benchQuick([annotations, '--device', device], say).finally(() => rm(folder, { recursive: true, force: true }));
      },
    },
    { title: 'An image in a large data set', onGpu: false, lines: async () => (await import('./scale')).benchScale([], say) },
    { title: 'Opening an annotation file', onGpu: false, lines: async () => (await import('./coco')).benchCoco([], say) },
    { title: 'The grid of a large data set', onGpu: false, lines: async () => (await import('./grid')).benchGrid() },
    { title: "The evaluation panel's slider", onGpu: false, lines: async () => (await import('./slider')).benchSlider([]) },
    { title: 'From the key to the screen', onGpu: false, lines: async () => (await import('./screen')).benchScreen() },
    { title: 'Activation of the extension', onGpu: false, lines: async () => (await import('./activation')).benchActivation() },
  ];
}

async function stepLines(options: Options, say: Say, onFailed: () => void): Promise<string[]> {
  const [{ runBenchmark }, { reportLines }] = await Promise.all([import('./step'), import('./report')]);
  const report = await runBenchmark(options, say);
  if (report.failed.length > 0) onFailed();
  return reportLines(report);
}
