// Whether an annotation file says which of its images were reviewed, in the fields that some programs write into image records.
import { readChunks, withFile } from './chunks';
import { recordScanner } from './records';
import type { CocoIndex } from './types';

/** COCO Annotator writes `annotated`; the others are what exports of one's own make of the same thought. */
const FIELDS = new Set(
  ['reviewed', 'annotated', 'labeled', 'labelled', 'verified', 'checked'].flatMap((name) => [name, `is_${name}`]),
);

/**
 * One an image record: 1 where a field says that it was reviewed (true, 1 or "true"), 0 where it says not, -1 where nothing is said.
 * Undefined where no record says anything. Reads the file up to the end of its images.
 */
export async function readMarks({ path, images }: CocoIndex, signal?: AbortSignal): Promise<Int8Array | undefined> {
  const marks = new Int8Array(images.length).fill(-1);
  let done = false;
  const scanner = recordScanner({
    fields: FIELDS,
    record: ({ section, row, fields }) => {
      if (section === 'images') for (const { value } of fields.values()) marks[row] = markOf(value);
    },
    listEnd: (section) => {
      done ||= section === 'images';
    },
  });
  await withFile(path, async (handle, size) => {
    for await (const chunk of readChunks(path, handle, size, { signal })) {
      scanner.push(chunk);
      if (done) break;
    }
  });
  return marks.some((mark) => mark !== -1) ? marks : undefined;
}

function markOf(value: unknown): number {
  if (value === true || value === 1 || value === 'true') return 1;
  return value === false || value === 0 || value === 'false' ? 0 : -1;
}
