// Image files to pixels: any format that sharp reads, upright, as RGB bytes at the network's size.
import sharp, { type Sharp } from 'sharp';
import { LabelscopeError } from '../protocol/errors';

/** Row-major RGB, 3 bytes a pixel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** An image that is to be turned: its proportions are not those of its pixels. */
export interface Picture extends Pixels {
  /** Width / height of the image as it is seen. */
  readonly aspect: number;
}

/** A picture of more pixels than this is refused: it is a mistake or an attack on the memory. */
export const MOST_PIXELS = 300_000_000;

/**
 * Decodes and resizes to exactly width × height (the aspect ratio changes, as in the reference example). Grey, CMYK and
 * 16-bit become 8-bit RGB; transparency is laid over white; the orientation that a camera noted is applied. Embedded colour
 * profiles are ignored, as the programs ignore them with which networks are trained (PIL, MATLAB's imread).
 *
 * @throws LabelscopeError 'image-unreadable' naming the file
 */
export async function readPixels(path: string, width: number, height: number): Promise<Pixels> {
  const resized = open(path).resize(width, height, { fit: 'fill', kernel: 'cubic' });
  return { width, height, data: await decode(resized, path) };
}

/**
 * Pixels in a row or column for each of the frame that a picture is turned into. Bilinear interpolation makes the least error there (on COCO
 * photographs, beside cubic interpolation of the whole image): of fewer pixels it blurs, of more it skips some.
 */
const OVERSAMPLING = 1.35;

/** Decodes as `readPixels`, at a size from which `warpInto` fills a frame in one resampling; never enlarged. @throws LabelscopeError 'image-unreadable' */
export async function readPicture(path: string, frame: { readonly width: number; readonly height: number }): Promise<Picture> {
  const image = open(path);
  const { autoOrient: own } = await image.metadata().catch((error: unknown) => unreadable(path, error));
  const width = Math.min(own.width, Math.round(OVERSAMPLING * frame.width));
  const height = Math.min(own.height, Math.round(OVERSAMPLING * frame.height));
  const data = await decode(image.resize(width, height, { fit: 'fill', kernel: 'cubic' }), path);
  return { width, height, data, aspect: own.width / own.height };
}

/** Decodes at the image's own size. */
export async function readFullSize(path: string): Promise<Pixels> {
  const { data, info } = await toRgb(open(path))
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => unreadable(path, error));
  return { width: info.width, height: info.height, data };
}

/** The longest side of a preview: more than a screen shows, and little enough to be sent between processes. */
const PREVIEW_SIDE = 4096;

/** The image as a PNG, upright, at most 4096 pixels long. @throws LabelscopeError 'image-unreadable' naming the file */
export async function readPreview(path: string): Promise<{ width: number; height: number; png: Uint8Array }> {
  const small = open(path).resize(PREVIEW_SIDE, PREVIEW_SIDE, { fit: 'inside', withoutEnlargement: true });
  const { data, info } = await small
    .png()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => unreadable(path, error));
  return { width: info.width, height: info.height, png: data };
}

const THUMBNAIL_QUALITY = 75;

/** Pixels; 0 where it is not known. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A small JPEG, at most `side` long, and the size of the image that it shows. Boxes count the pixels of the image as it was annotated, so
 * the declared size says which one is meant: the camera's note (EXIF orientation) is followed where that makes the image the size that was
 * declared and the stored pixels are not; else it shows the stored pixels, which COCO's own boxes count.
 *
 * @throws LabelscopeError 'image-unreadable' naming the file
 */
export async function readThumbnail(
  path: string,
  side: number,
  declared: Size,
): Promise<Size & { readonly jpeg: Uint8Array; readonly isTurned?: true }> {
  const stored = openStored(path);
  try {
    const { width: across, height: down, autoOrient: upright, orientation = 1 } = await stored.metadata();
    const isUpright = !isSize(declared, { width: across, height: down }) && isSize(declared, upright);
    const { width, height } = isUpright ? upright : { width: across, height: down };
    const small = (isUpright ? stored.autoOrient() : stored)
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#fff' });
    const jpeg = await small.toColourspace('srgb').jpeg({ quality: THUMBNAIL_QUALITY }).toBuffer();
    return { width, height, jpeg, ...(orientation > 1 && !isUpright && { isTurned: true }) };
  } catch (error) {
    return unreadable(path, error);
  }
}

/** An image file's own size as its pixels are stored, and how a camera noted that they are to be turned (EXIF, 1 to 8). */
export interface Stored {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

/** Reads the file's head alone. @throws LabelscopeError 'image-unreadable' naming the file */
export async function readStored(path: string): Promise<Stored> {
  const {
    width,
    height,
    orientation = 1,
  } = await openStored(path)
    .metadata()
    .catch((error: unknown) => unreadable(path, error));
  return { width, height, orientation };
}

const isSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;

function open(path: string): Sharp {
  return openStored(path).autoOrient();
}

function openStored(path: string): Sharp {
  return sharp(path, { limitInputPixels: MOST_PIXELS, failOn: 'error', ignoreIcc: true });
}

function toRgb(image: Sharp): Sharp {
  return image.flatten({ background: '#fff' }).toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' });
}

async function decode(image: Sharp, path: string): Promise<Uint8Array> {
  return toRgb(image)
    .toBuffer()
    .catch((error: unknown) => unreadable(path, error));
}

function unreadable(path: string, error: unknown): never {
  const detail = error instanceof Error ? error.message.replace(/\s+/g, ' ').trim() : String(error);
  throw new LabelscopeError('image-unreadable', `${path} cannot be read as an image (${detail}). Replace it, or leave it out.`);
}
