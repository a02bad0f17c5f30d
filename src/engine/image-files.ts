// Which files a person means by a list of images and folders.
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LabelscopeError } from '../protocol/errors';
import type { FailedFile } from '../protocol/messages';

const IMAGE_NAME = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp|svg|heic)$/i;

/**
 * Files as they are, folders as the image files directly in them, sorted by name. What is missing is named and does not stop the others.
 *
 * @throws LabelscopeError 'image-missing' where nothing is left, 'no-images' for a folder without any
 */
export async function imageFiles(
  places: readonly string[],
): Promise<{ readonly files: readonly string[]; readonly failed: readonly FailedFile[] }> {
  const files: string[] = [];
  const failed: FailedFile[] = [];
  for (const place of places.map((name) => resolve(name))) {
    const entry = await stat(place).catch(() => undefined);
    if (!entry) failed.push({ file: place, error: `There is no image or folder ${place}. Check the path.` });
    else if (!entry.isDirectory()) files.push(place);
    else files.push(...(await imagesIn(place)));
  }
  if (files.length === 0 && failed[0]) throw new LabelscopeError('image-missing', failed[0].error);
  return { files, failed };
}

async function imagesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => IMAGE_NAME.test(name)).sort();
  if (names.length === 0)
    throw new LabelscopeError('no-images', `The folder ${folder} holds no image files. Name one that does.`);
  return names.map((name) => join(folder, name));
}
