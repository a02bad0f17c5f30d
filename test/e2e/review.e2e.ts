// The review of labels as a person does it: from the explorer to a corrected copy, decided by keys, and found again as it was left.
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChangeLog, Decision } from '../../src/protocol/review';
import { tidyAfter } from './hooks';
import { BROWSER, contextMenu, explorerItem, NO_BROWSER, type Person, ready, runCommand, visit, windowWith } from './person';
import { prepareWorkspace } from './workspace';

interface Coco {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
  readonly annotations: readonly { readonly image_id: number; readonly category_id: number }[];
}

describe.skipIf(BROWSER === undefined)(`the review of labels${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;
  const at = (...parts: readonly string[]) => join(folder, 'annotations', ...parts);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-review-'));
    await prepareWorkspace(folder, ['first'], 80);
    person = await visit({ folder });
    await ready(person);
  });
  tidyAfter(() => ({ folder, person }));

  const panel = () => windowWith(person, '[data-question]', 120_000);

  it('finds suspects, is decided by keys, and writes a corrected copy beside the file', async () => {
    const before = await readFile(at('instances_train.json'), 'utf8');
    await contextMenu(person, await explorerItem(person, 'annotations', 'instances_train.json'), 'Review Labels…');
    await (await windowWith(person, '[data-find]')).locator('[data-find]').click();
    const window = await panel();
    await window.locator('figure img').waitFor();
    await window.locator('.line').first().click();
    for (const [key, words] of [
      ['a', '1 accepted, 0 rejected, 0 skipped'],
      ['r', '1 accepted, 1 rejected, 0 skipped'],
      ['a', '2 accepted, 1 rejected, 0 skipped'],
      ['u', '1 accepted, 1 rejected, 0 skipped'],
      ['a', '2 accepted, 1 rejected, 0 skipped'],
      ['s', '2 accepted, 1 rejected, 1 skipped'],
    ] as const) {
      await person.page.keyboard.press(key);
      await window.locator('[data-progress]', { hasText: words }).waitFor();
    }
    await person.page.keyboard.press('g');
    await window.locator('canvas.heat').waitFor({ timeout: 60_000 });
    await window.locator('[data-heat]', { hasText: 'by the model first' }).waitFor();
    await window.locator('[data-correct]').click();
    await window.locator('[data-corrected]', { hasText: 'instances_train.reviewed.json' }).waitFor();
    const { changes } = await readJson<ChangeLog>(at('instances_train.reviewed.changes.json'));
    expect(changes.length).toBe(2);
    const wanted = labelsOf(JSON.parse(before) as Coco);
    for (const { image, category, to } of changes) {
      expect(wanted.has(`${image} ${category}`)).toBe(to === 0);
      if (to === 1) wanted.add(`${image} ${category}`);
      else wanted.delete(`${image} ${category}`);
    }
    expect(labelsOf(await readJson<Coco>(at('instances_train.reviewed.json')))).toEqual(wanted);
    expect(await readFile(at('instances_train.json'), 'utf8')).toBe(before);
  });

  it('has kept every decision beside the runs, and goes on where it was left', async () => {
    const reviews = join(folder, 'labelscope-runs', 'reviews');
    const file = (await readdir(reviews)).find((name) => name.endsWith('.decisions.json'))!;
    const { decisions } = await readJson<{ decisions: Decision[] }>(join(reviews, file));
    expect(decisions.map(({ decision }) => decision).sort()).toEqual(['accept', 'accept', 'reject', 'skip']);
    await runCommand(person, 'View: Close All Editors');
    // The rows move when the new files come.
    await explorerItem(person, 'annotations', 'instances_train.reviewed.json');
    await contextMenu(person, await explorerItem(person, 'annotations', 'instances_train.json'), 'Review Labels…');
    const window = await panel();
    await window.locator('[data-progress]', { hasText: '2 accepted, 1 rejected, 1 skipped' }).waitFor();
    expect(await window.locator('[data-changed]').count()).toBe(0);
  });

  it('complains of nothing', () => {
    expect(person.complaints).toEqual([]);
  });
});

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

function labelsOf({ images, categories, annotations }: Coco): Set<string> {
  const fileOf = new Map(images.map(({ id, file_name: name }) => [id, name]));
  const nameOf = new Map(categories.map(({ id, name }) => [id, name]));
  return new Set(annotations.map((one) => `${fileOf.get(one.image_id)!} ${nameOf.get(one.category_id)!}`));
}
