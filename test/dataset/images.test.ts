// Image folders on a real disk: where they are found, which files may be used, and what is said of the others.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findImageFolder, findValidationFile, resolveImages } from '../../src/dataset/images';
import type { LabelledSet } from '../../src/dataset/types';
import { datasetError, temporaryFolder } from './coco';

const top = temporaryFolder();
let cases = 0;
let root = '';

beforeEach(() => {
  root = join(top, `case-${++cases}`);
  mkdirSync(root);
});

/** Creates an empty file, and its folders, below the root. */
function touch(...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), '');
  }
}

function setOf(fileNames: string[]): LabelledSet {
  return {
    categories: ['dog', 'cat'],
    images: fileNames.map((fileName, k) => ({ id: `${k}`, fileName, width: 0, height: 0 })),
    labels: Uint8Array.from(fileNames.flatMap((_, k) => [k % 2, 1])),
  };
}

describe('findImageFolder', () => {
  it.each([
    ['annotations/instances_train2017.json', 'annotations/train2017/a.jpg', 'annotations/train2017'],
    ['annotations/instances_train2017.json', 'train2017/a.jpg', 'train2017'],
    ['annotations/instances_train2017.json.gz', 'images/train2017/a.jpg', 'images/train2017'],
    ['set/labels.json', 'set/images/a.jpg', 'set/images'],
    ['train/_annotations.coco.json', 'train/a.jpg', 'train'],
    ['annotations/x.json', 'images/a.jpg', 'images'],
    ['person_keypoints_val.json', 'val/a.jpg', 'val'],
    ['annotations/instances_train2017-split/instances_val.json', 'train2017/a.jpg', 'train2017'],
    ['annotations/instances_train2017-split/fold3_train.json', 'images/train2017/a.jpg', 'images/train2017'],
    ['annotations/instances_train2017.fixed.json', 'train2017/a.jpg', 'train2017'],
    ['annotations/instances_train2017.fixed-2-split/instances_train.json', 'train2017/a.jpg', 'train2017'],
  ])('%s with %s', async (annotations, image, folder) => {
    touch(annotations, image);
    const found = await findImageFolder(join(root, annotations), ['a.jpg']);
    expect(relative(root, found.folder)).toBe(folder);
    expect(found.tried).toContain(found.folder);
    expect(found.how).toContain('found beside');
  });

  it('takes the first folder with the whole sample, else the one with most of it', async () => {
    touch('instances_a.json', 'a/1.jpg', 'images/1.jpg', 'images/2.jpg', '3.jpg');
    const choose = async (sample: string[]) =>
      relative(root, (await findImageFolder(join(root, 'instances_a.json'), sample)).folder);
    expect(await choose(['1.jpg'])).toBe('a');
    expect(await choose(['1.jpg', '2.jpg'])).toBe('images');
    expect(await choose(['1.jpg', '2.jpg', '3.jpg'])).toBe('images');
  });

  it('takes the folder given, if it is one', async () => {
    touch('x.json', 'pictures/a.jpg');
    const given = join(root, 'pictures');
    expect(await findImageFolder(join(root, 'x.json'), ['b.jpg'], { explicit: given })).toEqual({
      folder: given,
      how: 'as given',
      tried: [given],
    });
    const error = await datasetError(() => findImageFolder(join(root, 'x.json'), [], { explicit: join(root, 'no') }));
    expect([error.code, error.path]).toEqual(['image-folder-missing', join(root, 'no')]);
  });

  it('looks at last where the images of the file are that belongs to it', async () => {
    touch('parts/instances_val.json', 'elsewhere/a.jpg');
    const partner = { folder: join(root, 'elsewhere'), fileNames: ['0.jpg'] };
    const found = await findImageFolder(join(root, 'parts/instances_val.json'), ['a.jpg'], { partner });
    expect(found).toMatchObject({ folder: partner.folder, how: 'where the images of the other file are' });
    touch('parts/val/a.jpg');
    const own = await findImageFolder(join(root, 'parts/instances_val.json'), ['a.jpg'], { partner });
    expect(relative(root, own.folder)).toBe(join('parts', 'val'));
  });

  it('takes no images of the other file for images of this one because their names are the same', async () => {
    touch('parts/instances_val.json', 'elsewhere/1.jpg');
    const partner = { folder: join(root, 'elsewhere'), fileNames: ['1.jpg', '2.jpg'] };
    const search = () => findImageFolder(join(root, 'parts/instances_val.json'), ['1.jpg', '2.jpg'], { partner });
    expect((await datasetError(search)).code).toBe('image-folder-not-found');
  });

  it('says where it looked', async () => {
    touch('instances_train.json', 'a.jpg');
    const error = await datasetError(() => findImageFolder(join(root, 'instances_train.json'), ['no.jpg', '../a.jpg']));
    expect(error.code).toBe('image-folder-not-found');
    for (const folder of [join(root, 'train'), join(top, 'images', 'train'), join(root, 'images')])
      expect(error.message).toContain(folder);
    expect(error.message).toMatch(/no\.jpg.*--images DIR/);
  });
});

describe('resolveImages', () => {
  it('keeps what can be read, with its labels, and names the rest', async () => {
    const names = Array.from({ length: 10 }, (_, k) => `${k}.jpg`);
    touch(...names.map((name) => `images/${name}`), 'images/sub/a.jpg', 'images/ä \u{1f436}.jpg');
    mkdirSync(join(root, 'images', 'folder.jpg'));
    const set = setOf([...names, 'sub/a.jpg', 'sub/b.jpg', './sub/a.jpg', 'ä \u{1f436}.jpg', 'folder.jpg', 'no/c.jpg']);
    const { set: usable, paths, problems } = await resolveImages(set, join(root, 'images'), 'a.json');
    expect(usable.images.map((image) => image.fileName)).toEqual([...names, 'sub/a.jpg', './sub/a.jpg', 'ä \u{1f436}.jpg']);
    expect(paths[10]).toBe(join(root, 'images', 'sub', 'a.jpg'));
    expect([...usable.labels.subarray(20)]).toEqual([0, 1, 0, 1, 1, 1]);
    expect(problems.map(({ code, fileName }) => `${code} ${fileName}`)).toEqual([
      'image-missing sub/b.jpg',
      'image-missing folder.jpg',
      'image-missing no/c.jpg',
    ]);
    expect(problems[0]!.message).toBe(`sub/b.jpg is not in ${join(root, 'images')}.`);
  });

  it('finds a file under each of its names, as often as they come', async () => {
    touch('a.jpg', 'sub/b.jpg');
    const names = [
      'sub//b.jpg',
      'a.jpg',
      './a.jpg',
      'a.jpg',
      'sub/./b.jpg',
      'no.jpg',
      'no.jpg',
      ...Array<string>(7).fill('a.jpg'),
    ];
    const { set: usable, paths, problems } = await resolveImages(setOf(names), root, 'a.json');
    const wanted = names.filter((name) => name !== 'no.jpg');
    expect(usable.images.map((image) => image.fileName)).toEqual(wanted);
    expect(paths).toEqual(wanted.map((name) => join(root, name)));
    expect(problems.map(({ fileName }) => fileName)).toEqual(['no.jpg', 'no.jpg']);
  });

  it('lets no name leave the folder', async () => {
    touch('images/a.jpg', 'secret.jpg', 'images/sub/b.jpg');
    symlinkSync(join(root, 'secret.jpg'), join(root, 'images', 'link.jpg'));
    symlinkSync(root, join(root, 'images', 'up'));
    symlinkSync(join(root, 'images', 'a.jpg'), join(root, 'images', 'inner.jpg'));
    symlinkSync(join(root, 'gone.jpg'), join(root, 'images', 'broken.jpg'));
    const outside = [
      '../secret.jpg',
      'sub/../../secret.jpg',
      'sub/../a.jpg',
      '..\\secret.jpg',
      join(root, 'secret.jpg'),
      'C:\\secret.jpg',
      'c:secret.jpg',
      '\\\\server\\share\\secret.jpg',
      '\\secret.jpg',
      'a.jpg\0',
      '',
      'link.jpg',
      'up/secret.jpg',
    ];
    const set = setOf(['a.jpg', 'sub/b.jpg', 'inner.jpg', ...outside, 'broken.jpg']);
    const { set: usable, problems } = await resolveImages(set, join(root, 'images'), 'a.json');
    expect(usable.images.map((image) => image.fileName)).toEqual(['a.jpg', 'sub/b.jpg', 'inner.jpg']);
    expect(problems.filter((p) => p.code === 'image-path-outside-folder').map((p) => p.fileName)).toEqual(outside);
    expect(problems.at(-1)).toMatchObject({ code: 'image-missing', fileName: 'broken.jpg' });
  });

  it('takes a folder that is itself a link', async () => {
    touch('real/a.jpg');
    symlinkSync(join(root, 'real'), join(root, 'images'));
    expect((await resolveImages(setOf(['a.jpg']), join(root, 'images'), 'a.json')).paths).toEqual([
      join(root, 'images', 'a.jpg'),
    ]);
  });

  it('takes a fifth missing for an accident and more for the wrong folder', async () => {
    touch('1.jpg', '2.jpg', '3.jpg', '4.jpg');
    const some = ['1.jpg', '2.jpg', '3.jpg', '4.jpg', 'x.jpg'];
    expect((await resolveImages(setOf(some), root, 'a.json')).problems).toHaveLength(1);
    const error = await datasetError(() => resolveImages(setOf([...some, 'y.jpg']), root, 'a.json'));
    expect([error.code, error.path]).toEqual(['images-missing', root]);
    expect(error.message).toMatch(
      /^2 of 6 images of a\.json are not in .* \(such as x\.jpg, y\.jpg\).*probably not their folder.*--images DIR/,
    );
  });

  it('refuses a folder that is none, and a set of which nothing is left', async () => {
    expect((await datasetError(() => resolveImages(setOf(['a']), join(root, 'no'), 'a.json'))).code).toBe('image-folder-missing');
    expect((await datasetError(() => resolveImages(setOf(['../a']), root, 'a.json'))).code).toBe('no-usable-images');
  });
});

describe('findValidationFile', () => {
  it.each([
    ['instances_train2017.json', 'instances_val2017.json'],
    ['train.json', 'valid.json'],
    ['my_training.json', 'my_validation.json'],
    ['train.json.gz', 'test.json.gz'],
    ['train/_annotations.coco.json', 'valid/_annotations.coco.json'],
  ])('%s → %s', async (training, validation) => {
    touch(training);
    expect(await findValidationFile(join(root, training))).toBeUndefined();
    touch(validation);
    expect(await findValidationFile(join(root, training))).toBe(join(root, validation));
  });

  it('finds none for a file of another name', async () => {
    touch('labels.json', 'val.json');
    expect(await findValidationFile(join(root, 'labels.json'))).toBeUndefined();
  });
});
