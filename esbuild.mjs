// The build: `node esbuild.mjs` bundles every entry and makes the shipped assets; `node esbuild.mjs install` installs what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Runs a program and stops the build, without a stack trace, where it fails. */
function run(program, args, env = {}) {
  const windows = process.platform === 'win32' && program === 'npm';
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: windows, env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

/** `npm ci`, unless node_modules was made from this very lock file. */
function install() {
  const [lock, made] = [join(root, 'package-lock.json'), join(root, 'node_modules', '.package-lock.json')];
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(lock).mtimeMs) return;
  run('npm', ['ci', '--no-audit', '--no-fund'], { ONNXRUNTIME_NODE_INSTALL: 'skip' });
}

/** What every bundle has in common. */
const COMMON = { absWorkingDir: root, outdir: 'dist', bundle: true, logLevel: 'warning' };
const VERSION = { 'process.env.LABELSCOPE_VERSION': JSON.stringify(version) };

/** The command line and the engine. `vscode` is not among their external modules: where it were imported, the build would fail. */
const PROGRAMS = {
  ...COMMON,
  entryPoints: {
    cli: 'src/cli/main.ts',
    tour: 'src/cli/tour.ts',
    engine: 'src/engine/main.ts',
    worker: 'src/engine/runtime/worker.ts',
    bench: 'bench/main.ts',
    'build/import-backbone': 'src/engine/backbone/import.ts',
    'build/collect-sample': 'src/engine/sample/collect.ts',
  },
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  define: VERSION,
  // Native libraries are loaded from node_modules.
  external: ['onnxruntime-node', 'sharp'],
};

/** The extension host. Native libraries are not among its external modules: they must not be loaded there. */
const HOST = {
  ...COMMON,
  entryPoints: { extension: 'src/host/extension.ts' },
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  sourcemap: true,
  define: VERSION,
  external: ['vscode'],
};

/** The windows: a script and a style sheet each. */
const WINDOWS = {
  ...COMMON,
  entryPoints: Object.fromEntries(
    ['dataset', 'training', 'evaluation', 'image', 'labels', 'report'].map((name) => [`webview/${name}`, `webview/${name}/main.ts`]),
  ),
  platform: 'browser',
  target: 'chrome126',
  format: 'iife',
  minify: true,
};

async function build() {
  const { build: bundle } = await import('esbuild');
  for (const options of [PROGRAMS, HOST, WINDOWS]) await bundle(options);
  run(process.execPath, ['dist/build/collect-sample.js', 'dist/assets/sample-icons.json']);
  run(process.execPath, ['dist/build/import-backbone.js', 'dist/models', 'node_modules/.cache/labelscope']);
}

if (process.argv[2] === 'install') install();
else await build();
