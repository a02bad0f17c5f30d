// A COCO file divided into training and validation files that any tool reads, every record as it stands in the source.
import { readChunks, withFile } from './chunks';
import { distinctImages } from './labels';
import { writeNewFiles } from './new-files';
import type { RecordPlace } from './records';
import { rewriter } from './rewrite';
import type { CocoIndex } from './types';

/** A file to write, and which parts of the images it holds. */
export interface SplitFile {
  readonly path: string;
  readonly parts: readonly number[];
}

export interface WrittenFile {
  readonly path: string;
  readonly images: number;
  readonly annotations: number;
}

interface WriteOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number, totalBytes: number) => void;
}

/**
 * Writes all files in one pass over the source. An annotation goes where its image goes; one that points to no image goes nowhere.
 * Files take their names when all are complete.
 *
 * @param partOfImage by row of `distinctImages(index)`
 * Throws the signal's reason and DatasetError (file-exists, file-unwritable, and what `readAnnotations` throws).
 */
export async function writeSplitFiles(
  index: CocoIndex,
  partOfImage: Uint8Array,
  files: readonly SplitFile[],
  { signal, onProgress }: WriteOptions,
): Promise<WrittenFile[]> {
  const counts = files.map(({ path }) => ({ path, images: 0, annotations: 0 }));
  const outputsOf = outputsByPart(files);
  const partOf = partOfRecord(index, partOfImage);
  const decide = (record: RecordPlace) => {
    if (record.section === 'categories') return { outputs: files.map((_, k) => k) };
    const outputs = outputsOf[partOf(record)] ?? [];
    for (const k of outputs) counts[k]![record.section]++;
    return { outputs };
  };
  const paths = files.map(({ path }) => path);
  await writeNewFiles(paths, async (outputs) => {
    const { push, end } = rewriter(files.length, undefined, decide);
    await withFile(index.path, async (source, size) => {
      for await (const chunk of readChunks(index.path, source, size, { signal, onProgress })) {
        const gained = push(chunk);
        await Promise.all(gained.map((bytes, k) => outputs[k]!.append(bytes)));
      }
    });
    end();
  });
  return counts;
}

/** By part, the files that hold it. */
function outputsByPart(files: readonly SplitFile[]): number[][] {
  const parts = Math.max(...files.flatMap((file) => file.parts)) + 1;
  return Array.from({ length: parts }, (_, part) => Array.from(files.keys()).filter((k) => files[k]!.parts.includes(part)));
}

/** A record that repeats an id goes with the first of that id, to which its annotations belong. */
function partOfRecord(index: CocoIndex, partOfImage: Uint8Array): (record: RecordPlace) => number {
  const { rowOfImage } = distinctImages(index);
  const firstOfId = new Map<string, number>();
  index.images.forEach(({ id }, k) => {
    if (!firstOfId.has(id)) firstOfId.set(id, rowOfImage[k]!);
  });
  const partOfRow = index.images.map(({ id }) => partOfImage[firstOfId.get(id)!] ?? -1);
  return ({ section, row }) => (section === 'images' ? partOfRow[row] : partOfRow[index.annotations.image[row]!]) ?? -1;
}
