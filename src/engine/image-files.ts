// Which files a person means by a list of images and folders.
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LabelscopeError } from '../protocol/errors';

const IMAGE_NAME = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp|svg|heic)$/i;

/**
 * Files as they are, folders as the image files directly in them, sorted by name.
 *
 * @throws LabelscopeError 'image-missing' or 'no-images' naming what was asked for
 */
export async function imageFiles(places: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const place of places.map((name) => resolve(name))) {
    const entry = await stat(place).catch(() => undefined);
    if (!entry) throw new LabelscopeError('image-missing', `There is no image or folder ${place}.`);
    if (!entry.isDirectory()) found.push(place);
    else found.push(...(await imagesIn(place)));
  }
  return found;
}

async function imagesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => IMAGE_NAME.test(name)).sort();
  if (names.length === 0) throw new LabelscopeError('no-images', `The folder ${folder} holds no image files.`);
  return names.map((name) => join(folder, name));
}
