// The command line: finds the verb, reads its arguments, runs it, and turns every error into plain words and an exit status.
import { join, resolve } from 'node:path';
import { type EngineClient, engineClient } from '../engine/client/engine';
import { LabelscopeError, toWireError } from '../protocol/errors';
import { ENGINE_VARIABLE, ENGINES } from '../protocol/recipe';
import { type Io, terminalIo, withPlaces } from './io';
import { generalHelp, parseArguments, UsageError, verbHelp } from './usage';
import { DONE, FAILED, STOPPED_BY_PERSON, type Verb } from './verb';
import { calibrate } from './verbs/calibrate';
import { compare } from './verbs/compare';
import { doctor } from './verbs/doctor';
import { evaluate } from './verbs/evaluate';
import { explain } from './verbs/explain';
import { exportVerb } from './verbs/export';
import { failures } from './verbs/failures';
import { fix } from './verbs/fix';
import { inspect } from './verbs/inspect';
import { labels } from './verbs/labels';
import { importVerb } from './verbs/import';
import { pointing } from './verbs/pointing';
import { predict } from './verbs/predict';
import { report } from './verbs/report';
import { review } from './verbs/review';
import { sample } from './verbs/sample';
import { split } from './verbs/split';
import { sweep } from './verbs/sweep';
import { thresholds } from './verbs/thresholds';
import { train } from './verbs/train';

const VERBS: Readonly<Record<string, Verb>> = {
  inspect,
  train,
  sweep,
  evaluate,
  compare,
  failures,
  thresholds,
  calibrate,
  predict,
  explain,
  pointing,
  export: exportVerb,
  report,
  import: importVerb,
  split,
  fix,
  labels,
  review,
  sample,
  doctor,
};
const WRONG_USAGE = 2;

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const specs = Object.fromEntries(Object.entries(VERBS).map(([verb, { spec }]) => [verb, spec]));
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(generalHelp(specs) + '\n');
    return name === undefined ? WRONG_USAGE : DONE;
  }
  if (name === '--version') {
    process.stdout.write(`${process.env.LABELSCOPE_VERSION ?? '0.0.0'}\n`);
    return DONE;
  }
  const io = terminalIo(rest.includes('--json'));
  if (!Object.hasOwn(VERBS, name)) {
    io.note(`There is no verb '${name}'. Verbs: ${Object.keys(VERBS).join(', ')}.`);
    return WRONG_USAGE;
  }
  return runVerb(name, VERBS[name]!, rest, io);
}

async function runVerb(name: string, verb: Verb, argv: readonly string[], io: Io): Promise<number> {
  const stop = new AbortController();
  const engines: EngineClient[] = [];
  const another = () => {
    const engine = engineClient({
      script: join(__dirname, 'engine.js'),
      onLog: ({ level, message }) => logLine(io, level, message),
    });
    engines.push(engine);
    return engine;
  };
  process.on('SIGINT', () => interrupted(stop, io));
  let told = io;
  try {
    const args = parseArguments(name, verb.spec, argv);
    if (args.flag('help')) {
      process.stdout.write(verbHelp(name, verb.spec) + '\n');
      return DONE;
    }
    // Other processes that this one starts, Slurm's too, use the same one.
    if (args.text('engine') !== undefined) process.env[ENGINE_VARIABLE] = args.choice('engine', ENGINES, 'onnxruntime');
    if (args.flag('problems')) told = withPlaces(io, resolve(args.positionals[0] ?? '.'));
    return await verb.run(args, { io: told, engine: another(), another, signal: stop.signal });
  } catch (error) {
    return failed(error, told, stop.signal);
  } finally {
    await Promise.all(engines.map((engine) => engine.stop()));
  }
}

function failed(error: unknown, io: Io, signal: AbortSignal): number {
  if (error instanceof UsageError) {
    io.problem('error', oneLine(error.message));
    return WRONG_USAGE;
  }
  if (signal.aborted && (!(error instanceof LabelscopeError) || error.code === 'cancelled')) {
    io.note('Stopped.');
    return STOPPED_BY_PERSON;
  }
  io.problem('error', oneLine(toWireError(error).message));
  return FAILED;
}

/** Native libraries and Node put line breaks into their messages. */
function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ');
}

/** The first Ctrl-C asks the engine to save and stop; the second ends at once. */
function interrupted(stop: AbortController, io: Io): void {
  if (stop.signal.aborted) process.exit(STOPPED_BY_PERSON);
  io.note('Stopping after this step (Ctrl-C again to stop at once) …');
  stop.abort();
}

function logLine(io: Io, level: string, message: string): void {
  if (level !== 'debug' || process.env.LABELSCOPE_DEBUG) io.note(message);
}

// `labelscope … | head`: whoever read stdout has seen enough.
process.stdout.on('error', () => process.exit(FAILED));
void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
