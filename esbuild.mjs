// The build: `node esbuild.mjs` bundles every entry and makes the shipped assets; `node esbuild.mjs install` installs what is missing;
// `node esbuild.mjs package` makes the extension's VSIX for this platform out of what was built.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
    tensorflow: 'src/engine/runtime/tensorflow/worker.ts',
    // ONNX Runtime's own: what *Add CUDA Support* runs.
    'install-onnxruntime': 'node_modules/onnxruntime-node/script/install.js',
    bench: 'bench/main.ts',
    'bench-coco': 'bench/coco-reader.ts',
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
    'e2e/panels': 'test/e2e/panels.ts',
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
  run(process.execPath, ['dist/build/collect-sample.js', 'dist/assets/sample-icons.json']);
  run(process.execPath, ['dist/build/import-backbone.js', 'dist/models', CACHE]);
  const shipped = await shippedParts(built.flatMap(({ metafile }) => Object.entries(metafile.outputs).flatMap(shippedInputs)));
  writeFileSync(join(root, 'dist', 'THIRD-PARTY-NOTICES.txt'), notices(shipped));
  writeFileSync(join(root, 'dist', 'sbom.cdx.json'), JSON.stringify(billOfMaterials(shipped), null, 2) + '\n');
}

const CACHE = 'node_modules/.cache/labelscope';

/** Native packages that are shipped as they are. */
const SHIPPED = ['onnxruntime-node', 'onnxruntime-common', 'sharp', '@img/colour', 'detect-libc', 'semver'];

/** What a bundle is made of, unless it is of use here only. */
function shippedInputs([bundle, { inputs }]) {
  return /^dist\/(build|e2e|bench|code|tour)\b/.test(bundle) ? [] : Object.keys(inputs);
}

/** Every package of which something is shipped: bundled, as it is, or as data; with its licence, its texts and where npm has its checksum. */
async function shippedParts(inputs) {
  const bundled = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const names = [...bundled, ...SHIPPED, ...scoped('@img'), ...scoped('@iconify-json')];
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const parts = [...new Set(names)].map((name) => installed(name, packages[`node_modules/${name}`]?.integrity));
  return [...parts, ...(await weights())].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function scoped(scope) {
  const folder = join(root, 'node_modules', scope);
  return existsSync(folder) ? readdirSync(folder).map((name) => `${scope}/${name}`) : [];
}

function installed(name, integrity) {
  const folder = join(root, 'node_modules', name);
  const json = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { version: its, license = 'no licence named' } = json('package.json');
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying|third.?party)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (!name.startsWith('@iconify-json/')) return { name, version: its, license, integrity, texts };
  const { name: title, author, license: terms } = json('info.json');
  const drawings = `Drawings of ${title} by ${author.name} (${author.url}), some of which are shipped: ${terms.title}, ${terms.url}`;
  return { name, version: its, license: terms.spdx, integrity, texts: [drawings] };
}

/** The pretrained network comes out of a package that is not installed, only fetched. */
async function weights() {
  const { list } = await import('tar');
  const tarballs = readdirSync(join(root, CACHE)).filter((name) => name.endsWith('.tgz'));
  return tarballs.map((tarball) => {
    const file = join(root, CACHE, tarball);
    const found = new Map();
    const keep = (entry) => entry.on('data', (bytes) => found.set(entry.path, (found.get(entry.path) ?? '') + bytes));
    list({ file, sync: true, filter: (path) => /^package\/(package\.json|LICENSE)$/.test(path), onReadEntry: keep });
    const { name, version: its } = JSON.parse(found.get('package/package.json'));
    const text = found.get('package/LICENSE').trim();
    const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
    // Its package.json says something else than its licence file.
    if (!text.startsWith('MIT License')) throw new Error(`${tarball} is no longer under the MIT licence.`);
    return { name, version: its, license: 'MIT', integrity, texts: [text] };
  });
}

function notices(parts) {
  const notice = ({ name, version: its, license, texts }) => [`${name} ${its} (${license})`, ...texts].join('\n\n') + '\n';
  return parts.map(notice).join(`\n${'='.repeat(80)}\n\n`);
}

/** CycloneDX 1.5: what is in the extension, with the checksums that npm checked. */
function billOfMaterials(parts) {
  const purl = (name, its) => `pkg:npm/${name.replace('@', '%40')}@${its}`;
  const hashes = (integrity) => {
    const [, algorithm, digest] = /^sha(\d+)-(.*)$/.exec(integrity ?? '') ?? [];
    return digest ? { hashes: [{ alg: `SHA-${algorithm}`, content: Buffer.from(digest, 'base64').toString('hex') }] } : {};
  };
  const own = {
    type: 'application',
    name: 'labelscope',
    version,
    purl: purl('labelscope', version),
    'bom-ref': purl('labelscope', version),
  };
  const components = parts.map(({ name, version: its, license, integrity }) => ({
    type: 'library',
    name,
    version: its,
    purl: purl(name, its),
    'bom-ref': purl(name, its),
    licenses: /\s/.test(license) ? [{ expression: license }] : [{ license: { id: license } }],
    ...hashes(integrity),
  }));
  return { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata: { component: own }, components };
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
