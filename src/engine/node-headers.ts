// Node's headers, with which a binding is compiled: those of this machine, or else node-gyp fetches them from Node's site.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const HEADER = join('include', 'node', 'node.h');

/** A Node.js: its program, and its version without a letter in front. */
export interface NodeThere {
  readonly program: string;
  readonly version: string;
}

/** The one that npm runs with. In an editor, this process is none that headers lie beside. */
export async function nodeOfPath(): Promise<NodeThere> {
  const words = 'JSON.stringify({ program: process.execPath, version: process.versions.node })';
  const { stdout } = await promisify(execFile)('node', ['-p', words]);
  return JSON.parse(stdout) as NodeThere;
}

/**
 * Where its headers lie on this machine: in a folder that the person has named, beside it, or where node-gyp keeps what it fetched before.
 * A binding of Node-API, as TensorFlow.js has, does not ask which Node.js they are of.
 *
 * @returns what node-gyp calls `nodedir`; undefined where there are none
 */
export function nodeHeaders({ program, version }: NodeThere): string | undefined {
  const { npm_config_nodedir: named, npm_config_devdir: kept, XDG_CACHE_HOME: caches } = process.env;
  const fetched = join(kept || join(caches || join(homedir(), '.cache'), 'node-gyp'), version);
  return [...(named ? [named] : []), dirname(dirname(program)), fetched].find(hasHeaders);
}

function hasHeaders(folder: string): boolean {
  return existsSync(join(folder, HEADER));
}
