// `import binary from './assembly/records.wasm'`: what AssemblyScript's compiler makes of `./assembly/records.ts`, for esbuild and for Vitest.
import { dirname, relative, resolve } from 'node:path';

const FILTER = /\.wasm$/;
const made = new Map();

/** Bytes of the module. Throws what the compiler says. */
async function compile(path) {
  const { main } = await import('assemblyscript/asc');
  let binary;
  const { error, stderr } = await main(
    [path.replace(FILTER, '.ts'), '--outFile', 'made.wasm', '-O3', '--runtime', 'stub', '--enable', 'simd', '--noAssert'],
    { writeFile: (_, contents) => void (binary = contents) },
  );
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return binary;
}

/** Once a process. */
function binaryOf(path) {
  if (!made.has(path)) made.set(path, compile(path));
  return made.get(path);
}

export const forEsbuild = {
  name: 'assemblyscript',
  setup(build) {
    const root = build.initialOptions.absWorkingDir;
    build.onResolve({ filter: FILTER }, ({ path, resolveDir }) => ({
      path: relative(root, resolve(resolveDir, path)),
      namespace: 'assemblyscript',
    }));
    build.onLoad({ filter: FILTER, namespace: 'assemblyscript' }, async ({ path }) => ({
      contents: await binaryOf(resolve(root, path)),
      loader: 'binary',
    }));
  },
};

export const forVitest = {
  name: 'assemblyscript',
  enforce: 'pre',
  resolveId: (id, importer) => (FILTER.test(id) ? resolve(dirname(importer), id) : undefined),
  async load(id) {
    if (!FILTER.test(id)) return undefined;
    const text = Buffer.from(await binaryOf(id)).toString('base64');
    return `export default Buffer.from('${text}', 'base64');`;
  },
};
