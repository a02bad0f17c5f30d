// Every way in which a scored set can be cut into slices.
import type { FactTable } from './facts';
import { type Group, groupsByArea, groupsByCoOccurrence, groupsByField, groupsByLabels, groupsBySize } from './groups';
import type { ScoredSet } from './types';

export interface Slicing {
  /** 'area', 'labels', 'size', 'co-occurrence', or 'field:' and the field's name. */
  readonly name: string;
  readonly groups: readonly Group[];
}

/** Ways that need to know more of the images than their labels. */
const OF_FACTS: readonly string[] = ['area', 'size'];

/** Whether a way of slicing needs facts that an older evaluation did not keep. */
export function needsFacts(name: string): boolean {
  return OF_FACTS.includes(name) || name.startsWith('field:');
}

/** @param category the index of the category that is looked at; without it, all of them */
export function slicingsOf(set: ScoredSet, facts: FactTable | undefined, category?: number): Slicing[] {
  const others = groupsByCoOccurrence(set).filter(({ key }) => key.by !== 'co-occurrence' || key.category !== category);
  const ofSet = [
    { name: 'labels', groups: groupsByLabels(set) },
    { name: 'co-occurrence', groups: others },
  ];
  if (!facts) return ofSet;
  return [
    { name: 'area', groups: groupsByArea(set, facts, category) },
    { name: 'size', groups: groupsBySize(facts) },
    ...ofSet,
    ...facts.fields.flatMap((field) => {
      const groups = groupsByField(field);
      return typeof groups === 'string' ? [] : [{ name: `field:${field.name}`, groups }];
    }),
  ];
}
