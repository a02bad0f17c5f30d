// `npm run bench -- screen`: from the key that opens an image to its labels and maps on the screen of a real VS Code.
import { execFile } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { table } from '../src/cli/io';
import { median } from './median';

interface Row {
  readonly what: string;
  /** Under so many milliseconds. */
  readonly most?: number;
}

/** In the order in which a person comes to see them. */
const ROWS: Readonly<Record<string, Row>> = {
  fresh: { what: 'labels in the side view, first image of a new window', most: 2500 },
  labels: { what: 'labels in the side view, of an image far from those before', most: 150 },
  beside: { what: 'labels in the side view, of the image beside the one in front', most: 150 },
  known: { what: 'labels in the side view, of an image seen before' },
  editor: { what: 'picture and labels in the image editor' },
  map: { what: 'one Grad-CAM map', most: 250 },
  maps: { what: 'maps of six categories beside each other', most: 250 },
};

/** In a program of its own: the benchmarks load nothing of the editor's tests. */
export async function benchScreen(): Promise<string[]> {
  const load = loadavg()[0]!.toFixed(1);
  const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, 'e2e', 'screen.js')]);
  const times = JSON.parse(stdout) as Readonly<Record<string, readonly number[]>>;
  const rows = Object.entries(ROWS).map(([name, { what, most }]) => {
    const found = times[name]!;
    const verdict = most === undefined ? '' : median(found) < most ? 'met' : 'MISSED';
    const cells = [median(found), Math.min(...found), Math.max(...found)].map((ms) => ms.toFixed(0));
    return [what, ...cells, most === undefined ? '' : String(most), verdict];
  });
  return [
    `VS Code ${process.env.LABELSCOPE_VSCODE ?? 'oldest'}; load ${load}`,
    '',
    ...table([['ms', 'median', 'least', 'most', 'should be under', 'target'], ...rows]),
  ];
}
