// Node's headers, with which a binding is compiled: those of this machine, or else node-gyp fetches them from Node's site.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const HEADER = join('include', 'node', 'node.h');

/**
 * Where they lie on this machine: in a folder that the person has named, beside Node.js, or where node-gyp keeps what it fetched before.
 * A binding of Node-API, as TensorFlow.js has, does not ask which Node.js they are of.
 *
 * @param program Node.js
 * @returns what node-gyp calls `nodedir`; undefined where there are none
 */
export function nodeHeaders(program = process.execPath): string | undefined {
  const { npm_config_nodedir: named, npm_config_devdir: kept, XDG_CACHE_HOME: caches } = process.env;
  const fetched = join(kept || join(caches || join(homedir(), '.cache'), 'node-gyp'), process.versions.node);
  return [...(named ? [named] : []), dirname(dirname(program)), fetched].find(hasHeaders);
}

function hasHeaders(folder: string): boolean {
  return existsSync(join(folder, HEADER));
}
