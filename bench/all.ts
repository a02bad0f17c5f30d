// `npm run bench -- all`: every benchmark that needs no data of its own, one after the other, as one page.
import { rm } from 'node:fs/promises';
import { deviceOf, readOptions } from './cases';
import { drawSample, trainSampleRun } from './sample-run';

type Say = (text: string) => void;

interface Section {
  readonly title: string;
  /** Whether a GPU has a part in it. */
  readonly onGpu: boolean;
  readonly lines: () => Promise<string[]>;
}

/** @param args those of the benchmark `step` */
export async function* benchAll(args: string[], say: Say): AsyncGenerator<string[]> {
  const { device } = readOptions(args);
  for (const { title, lines } of sections(args, say).filter(({ onGpu }) => device === 'cpu' || onGpu)) {
    say(title);
    // One that cannot run here, for want of Chromium for example, keeps no other from running.
    const found = await lines().catch((error: unknown) => [`Not measured: ${(error as Error).message}`]);
    yield [`## ${title}`, '', ...found, ''];
  }
}

function sections(args: string[], say: Say): Section[] {
  const device = deviceOf(readOptions(args).device);
  return [
    { title: 'ResNet-50: forward inference and training steps', onGpu: true, lines: () => stepLines(args, say) },
    {
      title: 'Labels and Grad-CAM maps of an image',
      onGpu: true,
      lines: async () => {
        const { benchPredict } = await import('./predict');
        const { folder, run, image } = await trainSampleRun(device);
        return benchPredict([run, image, '--device', device]).finally(() => rm(folder, { recursive: true, force: true }));
      },
    },
    {
      title: 'The recipe quick on the sample data set',
      onGpu: false,
      lines: async () => {
        const { folder, annotations } = await drawSample();
        const { benchQuick } = await import('./quick');
        return benchQuick([annotations], say).finally(() => rm(folder, { recursive: true, force: true }));
      },
    },
    { title: 'An image in a large data set', onGpu: false, lines: async () => (await import('./scale')).benchScale([], say) },
    { title: 'Opening an annotation file', onGpu: false, lines: async () => (await import('./coco')).benchCoco([], say) },
    { title: 'The grid of a large data set', onGpu: false, lines: async () => (await import('./grid')).benchGrid() },
    { title: "The evaluation panel's slider", onGpu: false, lines: async () => (await import('./slider')).benchSlider([]) },
    { title: 'Activation of the extension', onGpu: false, lines: async () => (await import('./activation')).benchActivation() },
  ];
}

async function stepLines(args: string[], say: Say): Promise<string[]> {
  const [{ runBenchmark }, { reportLines }] = await Promise.all([import('./step'), import('./report')]);
  return reportLines(await runBenchmark(readOptions(args), say));
}
