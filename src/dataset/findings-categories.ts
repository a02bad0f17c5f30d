// What can be wrong with categories: never used, hardly used, or one category under two spellings.
import { add, finding, newTally, short, tallyOf } from './findings';
import type { CategoryCount, CocoIndex, Finding } from './types';

/** Below this part of the largest category's images a category is called rare. */
const RARE = 1 / 20;

/** `images`: how many show at least one of the categories, those that training uses. */
export function categoryFindings(index: CocoIndex, categories: readonly CategoryCount[], images: number): Finding[] {
  const unused = categories.filter((category) => category.images === 0);
  return [
    ...variantFindings(index),
    ...finding(
      'category-unused',
      tallyOf(unused, (category) => category.name),
      {
        severity: 'warning',
        message: 'categories are shown by no image; nothing can be learned or measured for them.',
        remedy: 'Leave them out with --categories, or annotate images that show them.',
      },
    ),
    ...imbalanceFindings(categories, images),
  ];
}

/** One spelling for names that differ by case and by spaces, underscores or hyphens between words only. */
export function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .trim();
}

function variantFindings({ categories }: CocoIndex): Finding[] {
  const first = new Map<string, string>();
  const seen = new Set<string>();
  const tally = newTally();
  for (const { id, name } of categories) {
    if (seen.size === seen.add(name).size) continue;
    const before = first.get(plainName(name));
    if (before === undefined) first.set(plainName(name), name);
    else add(tally, () => `category ${id}: "${name}" beside "${before}"`);
  }
  return finding('category-name-variant', tally, {
    severity: 'warning',
    message: 'categories differ from an earlier one by case or spacing only; they are learned as two.',
    remedy: 'If they mean the same, merge them: labelscope fix does, as does the quick fix in the editor.',
  });
}

/**
 * The weight of a category's positive labels in the loss that makes its positives count as much as its negatives:
 * negatives ÷ positives (Keras's guide on imbalanced data and PyTorch's BCEWithLogitsLoss, `pos_weight`, use the same).
 */
function positiveWeight(positives: number, images: number): number {
  return (images - positives) / positives;
}

function imbalanceFindings(categories: readonly CategoryCount[], images: number): Finding[] {
  const largest = Math.max(0, ...categories.map((category) => category.images));
  const used = categories.filter((category) => category.images > 0);
  const rare = used.filter((category) => category.images < RARE * largest).sort((a, b) => a.images - b.images);
  const weight = (count: number) => positiveWeight(count, images);
  const found = finding(
    'category-imbalance',
    tallyOf(
      rare,
      ({ name, images: own }) => `${name}: ${own} of at most ${largest} images, positive weight ${short(weight(own))}`,
    ),
    {
      severity: 'warning',
      message: `categories have less than a twentieth of the images of the largest. Positive weights (negatives ÷ positives of the ${images} labelled images) would counter it.`,
      remedy: 'Add images that show them, or judge them by their own rows of the evaluation: averages hide them.',
    },
  );
  const values = Object.fromEntries(used.map(({ name, images: own }) => [name, weight(own)]));
  return found.map((one) => ({ ...one, values }));
}
