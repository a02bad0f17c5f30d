// A synthetic instances_train2017.json: COCO's keys in COCO's order, with polygons, run lengths, boxes and areas that fit together.
import { open, mkdir, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const IMAGES = 118_287;
const ANNOTATIONS = 860_001;
const CATEGORIES = 80;
const CROWDS = 0.0115;
/** Bytes of text that are written at once. */
const BLOCK = 1 << 22;

/** Writes the file unless it is there, whole. `times`: how many times COCO's number of annotations. Returns its size in bytes. */
export async function writeCocoFile(path: string, times: number): Promise<number> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined) return there.size;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.part`, 'w');
  try {
    await writeBlocks(file, cocoText(times));
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return (await stat(path)).size;
}

async function writeBlocks(file: FileHandle, texts: Iterable<string>): Promise<void> {
  let block = '';
  for (const text of texts) {
    block += text;
    if (block.length < BLOCK) continue;
    await file.writeFile(block);
    block = '';
  }
  await file.writeFile(block);
}

function* cocoText(times: number): Generator<string> {
  const random = randomNumbers(2017);
  yield (
    '{"info": {"description": "COCO 2017 Dataset","url": "http://cocodataset.org","version": "1.0","year": 2017,' +
    '"contributor": "COCO Consortium","date_created": "2017/09/01"},"licenses": [{"url": ' +
    '"http://creativecommons.org/licenses/by-nc-sa/2.0/","id": 1,"name": "Attribution-NonCommercial-ShareAlike License"}],"images": ['
  );
  for (let k = 0; k < IMAGES; k++) yield (k > 0 ? ',' : '') + imageText(imageId(k), random);
  yield '],"annotations": [';
  const last = ANNOTATIONS * times;
  for (let k = 0; k < last; k++) yield (k > 0 ? ',' : '') + annotationText(k, random);
  yield '],"categories": [';
  for (let k = 0; k < CATEGORIES; k++)
    yield `${k > 0 ? ',' : ''}{"supercategory": "group ${k % 12}","id": ${categoryId(k)},"name": "category ${k}"}`;
  yield ']}';
}

/** Ids have gaps, as COCO's: up to 581,921 for images, 90 for categories. */
const imageId = (row: number) => 9 + Math.floor(row * 4.9195);
const categoryId = (row: number) => 1 + row + Math.floor(row / 8);

type Random = () => number;

/** Uniform in 0..1: Mulberry32. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const digits = (value: number, count: number) => String(value).padStart(count, '0');

function imageText(id: number, random: Random): string {
  const name = `${digits(id, 12)}.jpg`;
  const [width, height] = random() < 0.7 ? [640, 480 - Math.floor(random() * 60)] : [480 - Math.floor(random() * 60), 640];
  const photo = `${Math.floor(1e9 + random() * 8e9)}_${Math.floor(random() * 2 ** 40)
    .toString(16)
    .padStart(10, '0')}_z.jpg`;
  const time = `2013-11-${digits(1 + Math.floor(random() * 28), 2)} ${digits(Math.floor(random() * 24), 2)}:02:52`;
  return (
    `{"license": ${1 + Math.floor(random() * 8)},"file_name": "${name}","coco_url": "http://images.cocodataset.org/train2017/${name}",` +
    `"height": ${height},"width": ${width},"date_captured": "${time}","flickr_url": "http://farm${1 + Math.floor(random() * 9)}` +
    `.staticflickr.com/${1000 + Math.floor(random() * 8000)}/${photo}","id": ${id}}`
  );
}

function annotationText(row: number, random: Random): string {
  const rest = `"image_id": ${imageId(Math.floor(random() * IMAGES))},`;
  const category = `"category_id": ${categoryId(Math.floor(CATEGORIES * random() ** 2))}`;
  if (random() < CROWDS) {
    const { counts, area, box } = runLengths(random);
    return `{"segmentation": {"counts": [${counts}],"size": [480,640]},"area": ${area},"iscrowd": 1,${rest}"bbox": [${box}],${category},"id": ${900_100_000_000 + row}}`;
  }
  const { points, area, box } = polygon(random);
  return `{"segmentation": [[${points}]],"area": ${area},"iscrowd": 0,${rest}"bbox": [${box}],${category},"id": ${156 + row * 2}}`;
}

const hundredths = (value: number) => Math.round(value * 100) / 100;

/** A star-shaped outline with its bounding box and its area by the shoelace formula, whose digits COCO's areas show as well. */
function polygon(random: Random): { points: string; area: number; box: string } {
  const corners = 6 + Math.floor(44 * random() * (0.3 + random()));
  const [middleX, middleY, radius] = [60 + random() * 500, 60 + random() * 360, 4 + random() * 56];
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let k = 0; k < corners; k++) {
    const [angle, reach] = [(2 * Math.PI * k) / corners, radius * (0.6 + 0.4 * random())];
    xs.push(hundredths(middleX + reach * Math.cos(angle)));
    ys.push(hundredths(middleY + reach * Math.sin(angle)));
  }
  let twice = 0;
  for (let k = 0; k < corners; k++) {
    const next = (k + 1) % corners;
    twice += xs[k]! * ys[next]! - xs[next]! * ys[k]!;
  }
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const box = [left, top, hundredths(Math.max(...xs) - left), hundredths(Math.max(...ys) - top)].join(',');
  return { points: xs.map((x, k) => `${x},${ys[k]!}`).join(','), area: Math.abs(twice) / 2, box };
}

function runLengths(random: Random): { counts: string; area: number; box: string } {
  const counts = Array.from({ length: 100 + Math.floor(random() * 600) }, () => Math.floor(random() * 400));
  const area = counts.filter((_, k) => k % 2 === 1).reduce((sum, count) => sum + count, 0);
  return { counts: counts.join(','), area, box: `${Math.floor(random() * 200)},${Math.floor(random() * 100)},416,351` };
}
