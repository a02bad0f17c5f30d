// The benchmarks: `npm run bench -- NAME`. Each measures Labelscope beside the peers of bench/peers, in turns.
import { writeFile } from 'node:fs/promises';
import { readOptions, USAGE, UsageError } from './cases';
import type { FuzzJob } from './fuzz';
import type { OurJob } from './ours';
import type { ScaleJob } from './scale-run';

const note = (text: string) => void process.stderr.write(`${text}\n`);

/** Those whose report is lines of text. */
const LISTED: Readonly<Record<string, (args: string[]) => Promise<string[]>>> = {
  predict: async (args) => (await import('./predict')).benchPredict(args, note),
  activation: async () => (await import('./activation')).benchActivation(),
  screen: async () => (await import('./screen')).benchScreen(),
  recipes: async (args) => (await import('./recipes')).benchRecipes(args, note),
  coco: async (args) => (await import('./coco')).benchCoco(args, note),
  suspects: async (args) => (await import('./suspects')).benchSuspects(args, note),
  grid: async () => (await import('./grid')).benchGrid(),
  quick: async (args) => (await import('./quick')).benchQuick(args, note),
  train: async (args) => (await import('./train')).benchTrain(args, note),
  scale: async (args) => (await import('./scale')).benchScale(args, note),
  crashes: async (args) => (await import('./crashes')).benchCrashes(args, note),
  load: async (args) => (await import('./load')).benchLoad(args, note),
  fuzz: async (args) => (await import('./fuzz')).benchFuzz(args, note),
  slider: async (args) => (await import('./slider')).benchSlider(args),
  python: async (args) => (await import('./python')).benchPython(args, note),
  intervals: async (args) => (await import('./intervals')).benchIntervals(args, note),
};

async function main([name, ...args]: string[]): Promise<void> {
  if (name === 'step') return step(args);
  if (name === 'all') return all(args);
  const lines = name === undefined ? undefined : await LISTED[name]?.(args);
  if (lines) {
    process.stdout.write(lines.join('\n') + '\n');
    return;
  }
  // The benchmarks' own child processes, which load nothing that they are not to measure.
  if (name === 'fuzz-worker') return (await import('./fuzz')).runFuzzWorker(JSON.parse(args[0]!) as FuzzJob);
  if (name === 'scale-run') return (await import('./scale-run')).runScale(JSON.parse(args[0]!) as ScaleJob);
  if (name === 'ours') return (await import('./ours')).runOurs(JSON.parse(args[0]!) as OurJob);
  throw new UsageError(name === undefined ? 'Which benchmark?' : `There is no benchmark '${name}'.`);
}

async function all(args: string[]): Promise<void> {
  const { benchAll } = await import('./all');
  const onFailed = () => void (process.exitCode = 1);
  for await (const lines of benchAll(args, note, onFailed)) process.stdout.write(lines.join('\n') + '\n');
}

async function step(args: string[]): Promise<void> {
  const options = readOptions(args);
  await (await import('./device')).readyDevice(options, note);
  const [{ runBenchmark }, { reportLines }] = await Promise.all([import('./step'), import('./report')]);
  const report = await runBenchmark(options, note);
  const text = JSON.stringify(report, null, 2) + '\n';
  if (options.out !== undefined) await writeFile(options.out, text);
  if (report.failed.length > 0) process.exitCode = 1;
  process.stdout.write(options.json ? text : reportLines(report).join('\n') + '\n');
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const usage = error instanceof UsageError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage ? USAGE + '\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
});
