// The benchmarks: `npm run bench -- NAME`. Each measures Labelscope beside the peers of bench/peers, in turns.
import { writeFile } from 'node:fs/promises';
import { benchActivation } from './activation';
import { readOptions, USAGE, UsageError } from './cases';
import { type OurJob, runOurs } from './ours';
import { benchPredict } from './predict';
import { reportLines } from './report';
import { runBenchmark } from './step';

async function main([name, ...args]: string[]): Promise<void> {
  if (name === 'step') return step(args);
  const lines = name === 'predict' ? await benchPredict(args) : name === 'activation' ? await benchActivation() : undefined;
  if (lines) {
    process.stdout.write(lines.join('\n') + '\n');
    return;
  }
  // The benchmark's own child process.
  if (name === 'ours') return runOurs(JSON.parse(args[0]!) as OurJob);
  throw new UsageError(name === undefined ? 'Which benchmark?' : `There is no benchmark '${name}'.`);
}

async function step(args: string[]): Promise<void> {
  const options = readOptions(args);
  const report = await runBenchmark(options, (text) => process.stderr.write(`${text}\n`));
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
