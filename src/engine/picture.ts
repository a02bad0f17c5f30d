// The request `picture`: an image of any format as one that browsers can show.
import type { PictureParams, PictureResult } from '../protocol/messages';
import { readPreview } from './images';

export async function picture({ file }: PictureParams): Promise<PictureResult> {
  return readPreview(file);
}
