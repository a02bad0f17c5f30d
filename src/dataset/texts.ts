// Many texts in little memory: what a training holds for hours of every image.
import type { Listed } from './types';

/** Any texts, as UTF-8 in one buffer: four bytes a text beyond its own. */
export function packTexts(texts: readonly string[]): Listed<string> {
  return pack(texts, '');
}

/** Paths, likewise; the folder that all of them lie in is held once. */
export function packPaths(paths: readonly string[]): Listed<string> {
  return pack(paths, folderOfAll(paths));
}

/** A surrogate without its other half, which JSON can write and UTF-8 cannot. */
const LONE = /\p{Surrogate}/u;

/** @param start how each of the texts begins */
function pack(texts: readonly string[], start: string): Listed<string> {
  const odd = new Map<number, string>();
  const ends = new Uint32Array(texts.length);
  let end = 0;
  texts.forEach((text, place) => {
    if (LONE.test(text)) odd.set(place, text);
    else end += Buffer.byteLength(text.slice(start.length));
    ends[place] = end;
  });
  const bytes = Buffer.alloc(end);
  const startOf = (place: number) => (place === 0 ? 0 : ends[place - 1]!);
  texts.forEach((text, place) => {
    if (!odd.has(place)) bytes.write(text.slice(start.length), startOf(place));
  });
  return {
    length: texts.length,
    at: (place) => {
      if (!(place in ends)) return undefined;
      return odd.get(place) ?? start + bytes.toString('utf8', startOf(place), ends[place]);
    },
  };
}

function folderOfAll(paths: readonly string[]): string {
  let folder = folderOf(paths[0] ?? '');
  for (const path of paths) while (!path.startsWith(folder)) folder = folderOf(folder.slice(0, -1));
  return folder;
}

/** With the separator at its end, of whichever system. */
function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
