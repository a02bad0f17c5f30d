// What groups and fields are called for people.
import type { GroupKey, Unsliced } from './groups';

/** Puts {0}, {1} … into an English text, or into its translation. */
export type Say = (text: string, ...values: readonly (string | number)[]) => string;

export function groupName(key: GroupKey, categories: readonly string[], t: Say): string {
  switch (key.by) {
    case 'area':
      return areaName(key.area, t);
    case 'labels':
      return labelsName(key, t);
    case 'size':
      return key.pixels ? rangeName(megapixels(key.pixels.from), megapixels(key.pixels.to), t) : t('size not known');
    case 'co-occurrence':
      return t('with {0}', categories[key.category] ?? '');
    case 'field':
      if ('from' in key) return rangeName(key.from, key.to, t);
      return key.value === null ? t('not given') : String(key.value);
  }
}

function areaName(area: Extract<GroupKey, { by: 'area' }>['area'], t: Say): string {
  const names = {
    small: t('small (below 32²)'),
    medium: t('medium (32² to 96²)'),
    large: t('large (96² and more)'),
    crowd: t('crowds only'),
    unknown: t('area not known'),
  };
  return names[area];
}

function labelsName({ from, to }: Extract<GroupKey, { by: 'labels' }>, t: Say): string {
  if (to === null) return t('{0} labels or more', from);
  if (from === 0) return t('no label');
  return from === 1 ? t('1 label') : t('{0} labels', from);
}

function rangeName(from: number | string, to: number | string, t: Say): string {
  return from === to ? String(from) : t('{0} to {1}', from, to);
}

const megapixels = (pixels: number): string => `${(pixels / 1e6).toPrecision(3)} MP`;

export function unslicedReason(reason: Unsliced, t: Say): string {
  return reason === 'same' ? t('the same for every image') : t('too many different values');
}
