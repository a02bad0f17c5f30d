// Grad-CAM maps of one image, as windows ask for them.
import { LabelscopeError } from '../protocol/errors';
import type { ExplainedMap } from '../protocol/messages';
import type { ImageSettings } from '../protocol/windows';
import type { Supervisor } from './engine';
import { setting } from './settings';

/** How maps are drawn, as the person has set it. */
export function mapSettings(): ImageSettings {
  return { colormap: setting('gradcam.colormap'), opacity: setting('gradcam.opacity') };
}

/** @throws LabelscopeError 'image-unreadable', and as the engine does */
export async function mapsOf(
  engine: Supervisor,
  model: string,
  file: string,
  categories: readonly string[],
): Promise<readonly ExplainedMap[]> {
  const params = { model, files: [file], categories, device: setting('device'), colormap: 'jet', opacity: 0.5 } as const;
  const { images, failed } = await engine.request('explain', params);
  if (failed[0]) throw new LabelscopeError('image-unreadable', failed[0].error);
  return images[0]?.maps ?? [];
}
