// The icons of the sample data set as they are shipped: written by the build from the npm packages, read when a sample is made.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LabelscopeError } from '../../protocol/errors';
import { CATEGORIES, PROPS, SETS, type Split } from './catalogue';

export interface Icon {
  readonly name: string;
  /** The category or prop that it shows. */
  readonly shows: string;
  /** Left, top, width and height of the drawing in its own units. */
  readonly viewBox: readonly [number, number, number, number];
  /** SVG elements, without the svg element around them. */
  readonly body: string;
}

export interface IconSet {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly split: Split;
  readonly licence: { readonly title: string; readonly spdx: string; readonly url: string };
  readonly author: { readonly name: string; readonly url: string };
  readonly icons: readonly Icon[];
}

/** The parts that we read of an `icons.json` in Iconify's format; sizes fall back from the icon to the set to 16. */
interface IconifyJson {
  readonly icons: Readonly<Record<string, Partial<Omit<Box, 'body'>> & { readonly body: string }>>;
  readonly width?: number;
  readonly height?: number;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Takes the catalogue's icons out of the packages installed under `root`.
 * @throws Error where a package is missing or an icon of the catalogue is in none of the sets: the build is at fault.
 */
export function collectIcons(root: string): IconSet[] {
  const require = createRequire(join(root, 'package.json'));
  const sets = SETS.map(({ name, split }): IconSet => {
    const load = (file: string): unknown => require(`@iconify-json/${name}/${file}.json`);
    const {
      name: title,
      license,
      author,
    } = load('info') as { name: string; license: IconSet['licence']; author: IconSet['author'] };
    const { version } = load('package') as { version: string };
    const licence = { title: license.title, spdx: license.spdx, url: license.url };
    const icons = chosen(load('icons') as IconifyJson);
    return { name, title, version, split, licence, author: { name: author.name, url: author.url }, icons };
  });
  const found = new Set(sets.flatMap(({ icons }) => icons.map(({ name }) => name)));
  const missing = [...CATEGORIES, ...PROPS].flatMap(({ icons }) => icons).filter((name) => !found.has(name));
  if (missing.length > 0) throw new Error(`No emoji set has the icons ${missing.join(', ')}; correct the catalogue.`);
  return sets;
}

function chosen({ icons, width = 16, height = 16 }: IconifyJson): Icon[] {
  return [...CATEGORIES, ...PROPS].flatMap((subject) =>
    subject.icons.flatMap((name) => {
      const icon = icons[name];
      if (icon === undefined) return [];
      const viewBox = [icon.left ?? 0, icon.top ?? 0, icon.width ?? width, icon.height ?? height] as const;
      return [{ name, shows: subject.name, viewBox, body: icon.body }];
    }),
  );
}

/** @throws LabelscopeError `sample-icons` where the file, a part of the installation, is missing or damaged. */
export async function readIcons(file: string): Promise<readonly IconSet[]> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { sets: IconSet[] }).sets;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LabelscopeError('sample-icons', `The drawings in ${file} cannot be read (${reason}). Install Labelscope again.`);
  }
}
