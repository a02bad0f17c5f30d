// The sample's annotation files, in COCO's format.
import { CATEGORIES, type Split } from './catalogue';
import type { IconSet } from './icons';
import type { Scene } from './scene';

export interface FinishedScene {
  readonly fileName: string;
  readonly set: IconSet;
  readonly scene: Scene;
}

/** The content of one annotation file. Images count up from `firstId`; no id of another split is used where its images have others. */
export function annotationFile(
  split: Split,
  sets: readonly IconSet[],
  scenes: readonly FinishedScene[],
  firstId: number,
): object {
  return {
    info: { description: `Labelscope sample data set, ${split}`, version: '1', contributor: 'Labelscope' },
    licenses: sets.map(({ title, author, licence }, i) => ({
      id: i + 1,
      name: `${licence.title} (${title} by ${author.name})`,
      url: licence.url,
    })),
    images: scenes.map(({ fileName, set, scene: { canvas } }, i) => {
      const { width, height } = canvas;
      return { id: firstId + i, file_name: fileName, width, height, license: sets.indexOf(set) + 1 };
    }),
    annotations: scenes.flatMap(({ scene }, i) =>
      scene.objects.map(({ category, box, area }, k) => {
        // A scene has far fewer than ten objects.
        const id = 10 * (firstId + i) + k;
        return { id, image_id: firstId + i, category_id: category.id, bbox: box, area, iscrowd: 0, segmentation: [] };
      }),
    ),
    categories: CATEGORIES.map(({ id, name, supercategory }) => ({ id, name, supercategory })),
  };
}
