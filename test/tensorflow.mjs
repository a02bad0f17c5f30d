// `npm run test:tensorflow`: sets TensorFlow.js with its native library up, as a person does, and holds it to the references and to ONNX Runtime.
// Its folder is kept in node_modules/.cache for the next time. Needs npm's registry, Python's index, Python with pip and a C++ compiler.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const cache = resolve('node_modules', '.cache', 'labelscope-tensorflow');
const folder = join(cache, 'tensorflow');

function run(args, env = {}) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(folder, 'installed.json'))) {
  run(['dist/cli.js', 'doctor', '--install', 'tensorflow', '--yes'], { LABELSCOPE_CACHE: cache });
}
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.mts'];
const files = ['test/engine/tensorflow.test.ts', 'test/engine/second-engine.test.ts', 'test/reference/operators.test.ts'];
const projects = ['--project', 'unit', '--project', 'reference'];
run([...vitest, ...projects, ...files, 'test/reference/training.test.ts'], { LABELSCOPE_TENSORFLOW: folder });
