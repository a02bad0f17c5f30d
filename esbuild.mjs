// The build: `node esbuild.mjs` bundles every entry and makes the shipped assets; `node esbuild.mjs install` installs what is missing;
// `node esbuild.mjs package` makes the extension's VSIX for this platform out of what was built.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Runs a program and stops the build, without a stack trace, where it fails. */
function run(program, args, env = {}) {
  const windows = process.platform === 'win32' && program !== process.execPath;
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
    code: 'src/editor/code.ts',
    'build/import-backbone': 'src/engine/backbone/import.ts',
    'build/collect-sample': 'src/engine/sample/collect.ts',
  },
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  define: VERSION,
  // Native libraries, and what two benchmarks drive and build windows with, are loaded from node_modules.
  external: ['onnxruntime-node', 'sharp', 'playwright-core', 'esbuild'],
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

/** The tests in VS Code's extension host, what starts them on a desktop, and the pictures. Their tools are loaded from node_modules. */
const TESTS = {
  ...COMMON,
  entryPoints: {
    'e2e/suite': 'test/e2e/suite/index.ts',
    'e2e/desktop': 'test/e2e/desktop.ts',
    'e2e/screenshots': 'test/e2e/screenshots.ts',
  },
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode', 'mocha', '@vscode/test-electron', 'playwright-core'],
};

/** The windows: a script and a style sheet each. */
const WINDOWS = {
  ...COMMON,
  entryPoints: {
    ...Object.fromEntries(
      ['dataset', 'training', 'evaluation', 'image', 'labels', 'review', 'compare', 'report'].map((name) => [
        `webview/${name}`,
        `webview/${name}/main.ts`,
      ]),
    ),
    // Put into the pages of evaluations as text.
    'webview/fitting-worker': 'webview/evaluation/fitting-worker.ts',
  },
  platform: 'browser',
  target: 'chrome126',
  format: 'iife',
  minify: true,
};

async function build() {
  const { build: bundle } = await import('esbuild');
  const built = [];
  for (const options of [PROGRAMS, HOST, TESTS, WINDOWS]) built.push(await bundle({ ...options, metafile: true }));
  const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  writeFileSync(join(root, 'dist', 'THIRD-PARTY-NOTICES.txt'), notices(inputs));
  run(process.execPath, ['dist/build/collect-sample.js', 'dist/assets/sample-icons.json']);
  run(process.execPath, ['dist/build/import-backbone.js', 'dist/models', 'node_modules/.cache/labelscope']);
}

/** Native packages that are shipped as they are. */
const SHIPPED = ['onnxruntime-node', 'onnxruntime-common', 'sharp', '@img/colour', 'detect-libc', 'semver'];

/** The licence texts of every package that is bundled or shipped. */
function notices(inputs) {
  const bundled = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const natives = existsSync(join(root, 'node_modules', '@img'))
    ? readdirSync(join(root, 'node_modules', '@img')).map((name) => `@img/${name}`)
    : [];
  return [...new Set([...bundled, ...SHIPPED, ...natives])]
    .sort()
    .map(notice)
    .join(`\n${'='.repeat(80)}\n\n`);
}

function notice(name) {
  const folder = join(root, 'node_modules', name);
  const { version: its, license = 'no licence named' } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying|third.?party)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${its} (${license})`, ...texts].join('\n\n') + '\n';
}

/** One platform's native libraries are a fifth of all. What the .vscodeignore leaves out is left out here too. */
function packageExtension() {
  const target = `${process.platform}-${process.arch}`;
  const ignore = join(root, 'dist', 'vscodeignore');
  const library = `!node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/**`;
  writeFileSync(ignore, `${readFileSync(join(root, '.vscodeignore'), 'utf8').trimEnd()}\n${library}\n`);
  const out = join(root, `labelscope-${target}-${version}.vsix`);
  rmSync(out, { force: true });
  run('npx', [
    'vsce',
    'package',
    '--target',
    target,
    '--ignoreFile',
    ignore,
    '--out',
    out,
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
  ]);
  console.log(`${out}: ${(statSync(out).size / 2 ** 20).toFixed(1)} MB`);
}

const TASKS = { install, package: packageExtension };
await (TASKS[process.argv[2]] ?? build)();
