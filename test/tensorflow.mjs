// `npm run test:tensorflow`: sets TensorFlow.js with its native library up, as a person does, and holds it to the references and to ONNX Runtime.
// Its folder is kept in node_modules/.cache for the next time. Needs npm's registry, Python's index, Python with pip and a C++ compiler: where it
// cannot be set up because one of the two is out of reach, or on another platform, it says aloud that nothing was tested.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve('node_modules', '.cache', 'labelscope-tensorflow');
const folder = join(cache, 'tensorflow');
const reference = resolve(process.env.LABELSCOPE_REFERENCE ?? '../shared/reference/open');

function run(args, env = {}) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

/** The second form is a note beside the job in the continuous integration. */
function sayAloud(words) {
  console.error(`\n*** ${words} ***\n`);
  if (process.env.GITHUB_ACTIONS) console.log(`::warning::${words}`);
}

/** What they are asked for is little, and an error of ours in asking for the rest is not taken for a registry out of reach. */
const REGISTRIES = {
  "npm's registry": ['npm', 'view', '@tensorflow/tfjs-node@4.22.0', 'version'],
  "Python's index": ['python3', '-m', 'pip', 'download', '-q', '--no-deps', '--no-cache-dir', '-d', join(cache, 'asked'), 'six'],
};

function hindrance() {
  if (`${process.platform}-${process.arch}` !== 'linux-x64')
    return `it is set up on linux-x64 alone, not on ${process.platform}-${process.arch}`;
  const [out] =
    Object.entries(REGISTRIES).find(([, [tool, ...args]]) => spawnSync(tool, args, { timeout: 60_000 }).status !== 0) ?? [];
  return out && `${out} is out of reach`;
}

if (!existsSync(join(folder, 'installed.json'))) {
  const why = hindrance();
  if (why !== undefined) {
    sayAloud(`SKIPPED: npm run test:tensorflow tested nothing, because ${why}.`);
    process.exit(0);
  }
  run(['dist/cli.js', 'doctor', '--install', 'tensorflow', '--yes'], { LABELSCOPE_CACHE: cache });
}
if (!existsSync(reference)) sayAloud(`npm run test:tensorflow trains no reference trajectory: there are none in ${reference}.`);
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.mts'];
const files = ['tensorflow', 'tensorflow-operators', 'second-engine'].map((name) => `test/engine/${name}.test.ts`);
const projects = ['--project', 'unit', '--project', 'reference'];
run([...vitest, ...projects, ...files, 'test/reference/operators.test.ts', 'test/reference/training.test.ts'], {
  LABELSCOPE_TENSORFLOW: folder,
});
