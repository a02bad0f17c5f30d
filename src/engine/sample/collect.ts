// A step of the build, run in the repository's root: node dist/build/collect-sample.js OUT_FILE writes the icons that are shipped.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { collectIcons } from './icons';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write: collect-sample.js OUT_FILE');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, JSON.stringify({ sets: collectIcons(process.cwd()) }));
