// labelscope doctor: what this machine has, what would be used, and why; and what can be added to it.
import { createInterface } from 'node:readline/promises';
import type { DoctorProgress } from '../../protocol/doctor';
import { LabelscopeError } from '../../protocol/errors';
import { fetchedInWords, type Installable, type InstalledReport, type InstallProgress } from '../../protocol/install';
import type { DeviceUsed, DoctorReport } from '../../protocol/messages';
import { bar, counted, type Io } from '../io';
import { type Arguments, UsageError } from '../usage';
import { defined, DEVICE, deviceOf, DONE, FAILED, type Session, type Verb } from '../verb';

const INSTALLABLE: readonly Installable[] = ['cuda', 'tensorflow', 'tensorflow-gpu'];
const WHAT = INSTALLABLE.join('|');

export const doctor: Verb = {
  spec: {
    positionals: '',
    count: [0, 0],
    help: 'What was found on this machine, what would be used, and why; adds CUDA support or TensorFlow.js.',
    options: {
      device: DEVICE,
      install: {
        type: 'string',
        value: WHAT,
        help: 'add it to Labelscope (cuda: ONNX Runtime for NVIDIA cards; tensorflow: another engine)',
      },
      from: { type: 'string', value: 'DIR', help: 'with --install cuda: take the files of this folder, fetch nothing' },
      remove: { type: 'string', value: WHAT, help: 'take away what --install added' },
      yes: { type: 'boolean', help: 'with --install or --remove: do not ask' },
    },
  },
  run: async (args, session) => {
    const [added, removed] = [chosen(args, 'install'), chosen(args, 'remove')];
    if (added !== undefined && removed !== undefined) throw new UsageError('--install and --remove exclude each other.');
    if (added === undefined && args.text('from') !== undefined) throw new UsageError('--from belongs to --install.');
    if (added !== undefined) return install(added, args, session);
    if (removed !== undefined) return remove(removed, args, session);
    const { engine, signal, io } = session;
    const report = await engine.request('doctor', { device: deviceOf(args) }, { signal, onProgress: trying(io) });
    io.result(report, () => linesOf(report));
    if (report.chosen) return DONE;
    io.problem('error', `The engine ${report.engine} does not load: what is told of TensorFlow.js says why, and what to do.`);
    return FAILED;
  },
};

function trying(io: Io): (progress: DoctorProgress) => void {
  return ({ done, total, trying: names }) => {
    const words = names.length > 0 ? `trying ${names.join(', ')}` : 'all tried';
    io.progress(`Checking devices  ${bar(done, total)}  ${words}`, { done, total });
  };
}

function chosen(args: Arguments, option: 'install' | 'remove'): Installable | undefined {
  return args.text(option) === undefined ? undefined : args.choice(option, INSTALLABLE, 'cuda');
}

/** What happens when something is added, in words that a person agrees to. */
const ADDITIONS: Readonly<Record<Installable, { readonly name: string; readonly source: string }>> = {
  cuda: {
    name: "ONNX Runtime's CUDA provider",
    source:
      "ONNX Runtime's installer will fetch its CUDA provider, several hundred megabytes, from its package feed, into a copy of ONNX Runtime in Labelscope's cache folder.",
  },
  tensorflow: {
    name: 'TensorFlow.js',
    source:
      "npm will fetch @tensorflow/tfjs-node and pip a wheel of TensorFlow 2.15 for its library, together about 300 MB, 0.9 GB on disk; a C++ compiler puts them together in Labelscope's cache folder. Where Node's headers are not on the machine, node-gyp fetches them from Node's site for that.",
  },
  'tensorflow-gpu': {
    name: 'TensorFlow.js',
    source:
      "npm will fetch @tensorflow/tfjs-node-gpu and pip a wheel of TensorFlow 2.18 for its library (CUDA 12 and cuDNN 9, which must be on the machine), together about 700 MB, 1.5 GB on disk; a C++ compiler puts them together in Labelscope's cache folder. Where Node's headers are not on the machine, node-gyp fetches them from Node's site for that.",
  },
};

const STAGES = { fetching: 'Fetching', unpacking: 'Unpacking', building: 'Compiling', checking: 'Checking' } as const;

async function install(what: Installable, args: Arguments, { io, engine, signal }: Session): Promise<number> {
  const from = args.text('from');
  if (from !== undefined && what !== 'cuda') throw new UsageError('--from belongs to --install cuda.');
  const { name, source } = ADDITIONS[what];
  const words =
    from === undefined ? source : `${name} will be copied from ${from} into a copy of ONNX Runtime in Labelscope's cache folder.`;
  await consent(args, io, `${words} Nothing else is changed. Go on?`);
  const result = await engine.request('install', { what, ...defined({ from }) }, { signal, onProgress: teller(io) });
  const report = await engine.request('doctor', { device: 'auto' }, { signal, onProgress: trying(io) });
  const outcome = what === 'cuda' ? cudaOutcome(report) : tensorFlowOutcome(report);
  io.result({ ...result, ...outcome }, () => [
    ...(result.package ? [fetchedInWords(result.package)] : []),
    `Installed in ${result.folder}:`,
    ...result.files.map((file) => `  ${file.name}  ${inMegabytes(file.bytes)}  SHA-256 ${file.sha256}`),
    outcome.reason,
    `Take it away with: labelscope doctor --remove ${what}`,
  ]);
  return DONE;
}

function teller(io: Io): (progress: InstallProgress) => void {
  const fetched = counted(io, STAGES.fetching, 'MB');
  return ({ stage, bytes, total }) => {
    if (total !== undefined) fetched({ done: bytes, total });
    else io.progress(`${STAGES[stage]}${bytes > 0 ? `  ${inMegabytes(bytes)}` : ' …'}`);
  };
}

interface Outcome {
  readonly available: boolean;
  readonly reason: string;
}

function cudaOutcome({ devices }: DoctorReport): Outcome {
  const { available, reason } = devices.find(({ device }) => device === 'cuda')!;
  return { available, reason };
}

function tensorFlowOutcome({ tensorflow: { found, problem } }: DoctorReport): Outcome {
  if (!found) return { available: false, reason: problem };
  const where = found.gpu ? 'on the graphics card' : 'on the CPU';
  return {
    available: true,
    reason: [
      `${found.package} with ${found.library ?? found.backend} loads and computes ${where}: use it with --engine tensorflow.`,
      ...(found.hindrance === undefined ? [] : [found.hindrance]),
      ...(found.passedOver ?? []),
    ].join(' '),
  };
}

async function remove(what: Installable, args: Arguments, { io, engine, signal }: Session): Promise<number> {
  await consent(args, io, `${ADDITIONS[what].name} will be taken away. Go on?`);
  const result = await engine.request('remove', { what }, { signal });
  io.result(result, () => [result.removed ? `Removed ${result.folder}.` : `Nothing was installed in ${result.folder}.`]);
  return DONE;
}

/** @throws UsageError where nobody can be asked, LabelscopeError 'cancelled' where the answer is no */
async function consent(args: Arguments, io: Io, question: string): Promise<void> {
  if (args.flag('yes')) return;
  if (io.json || !process.stdin.isTTY) throw new UsageError(`${question} Say so with --yes.`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(`${question} [y/N] `).finally(() => asking.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new LabelscopeError('cancelled', 'Nothing was changed.');
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function linesOf(report: DoctorReport): string[] {
  return [
    `Labelscope    ${report.labelscope} (Node ${report.node}, ${report.platform})`,
    `Machine       ${report.cores} cores, ${report.memoryGiB.toFixed(1)} GiB of memory`,
    `ONNX Runtime  ${report.onnxRuntime}`,
    `sharp         ${report.sharp}`,
    `Backbone      ${report.backbone.path}${report.backbone.found ? '' : ' (missing)'}`,
    ...report.devices.map(({ device, available, reason }) => `${device.padEnd(12)}  ${available ? 'yes' : 'no '}  ${reason}`),
    ...addedLines('cuda', report.cuda),
    `Chosen        ${report.chosen ? chosenWords(report.chosen) : 'nothing, because the engine does not load'}`,
    `Engine        ${report.engine}`,
    ...tensorFlowLines(report),
    `Step form     ${report.forms.form}: ${report.forms.reason}`,
    ...report.forms.verdicts.map(({ network, form, reason }) => `  checked     ${form}: ${network}: ${reason}`),
  ];
}

function chosenWords({ device, threads }: DeviceUsed): string {
  return `${device} with ${threads === 1 ? 'one thread' : `${threads} threads`}`;
}

function tensorFlowLines({ tensorflow: { found, problem, added } }: DoctorReport): string[] {
  const variant = added?.variant ?? 'tensorflow';
  const files = addedLines(variant, added);
  if (!found) return [`TensorFlow.js no  ${problem}`, ...files];
  const { package: name, folder, backend, library, gpu, cuda, hindrance, passedOver = [] } = found;
  const built = cuda === undefined ? '' : `, built for ${cuda}`;
  return [
    `TensorFlow.js yes ${name}: ${library ?? backend}${built}; computes on ${gpu ? 'the graphics card' : 'the CPU'}`,
    `              ${folder}`,
    ...(hindrance === undefined ? [] : [`  not the card ${hindrance}`]),
    ...passedOver.map((words) => `  passed over ${words} To set it up anew: labelscope doctor --install ${variant}`),
    ...files,
  ];
}

function addedLines(what: Installable, added: InstalledReport | undefined): string[] {
  if (!added) return [];
  const state = added.unchanged
    ? 'its files are those that were installed'
    : `its files have changed since they were installed: labelscope doctor --install ${what} installs them anew`;
  return [`  added       ${added.folder}: ${state}`];
}
