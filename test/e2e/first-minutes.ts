// `npm run first-minutes [-- [walkthrough] [right-click]]`: the packaged extension in an empty folder of a clean VS Code, from nothing to Grad-CAM as a new user goes, every
// click and key counted and every step timed: from the side bar or the walkthrough, by the button of the notification or a right-click on the annotation file.
// LABELSCOPE_VSCODE=newest takes the newest VS Code.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { type Person, ready, runCommand, visit, windowWith } from './person';
import { packagedExtension } from './workspace';

interface Step {
  readonly what: string;
  readonly clicks: number;
  readonly keys: number;
  readonly seconds: number;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-first-'));
  const person = await visit({ folder, vsix: packagedExtension() });
  try {
    await ready(person);
    const steps = await firstMinutes(person, process.argv);
    const sum = (key: 'clicks' | 'keys' | 'seconds') => steps.reduce((total, step) => total + step[key], 0);
    const rows = [...steps, { what: 'all', clicks: sum('clicks'), keys: sum('keys'), seconds: sum('seconds') }];
    const lines = rows.map(({ what, clicks, keys, seconds }) => `| ${what} | ${clicks} | ${keys} | ${seconds.toFixed(1)} |`);
    const machine = `${cpus().length} cores of ${cpus()[0]!.model}`;
    const head = [
      `VS Code ${process.env.LABELSCOPE_VSCODE ?? 'oldest'}, ${machine}`,
      '',
      '| | clicks | keys | seconds |',
      '| --- | --- | --- | --- |',
    ];
    process.stdout.write([...head, ...lines].join('\n') + '\n');
    if (person.complaints.length > 0) throw new Error(`The console complains: ${person.complaints.join('; ')}`);
  } finally {
    await person.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function firstMinutes(person: Person, way: readonly string[]): Promise<Step[]> {
  const fromWalkthrough = way.includes('walkthrough');
  const { page } = person;
  const steps: Step[] = [];
  let [clicks, keys, since] = [0, 0, performance.now()];
  const click = async (target: Locator, button: 'left' | 'right' = 'left') => {
    await target.click({ timeout: 60_000, button });
    clicks++;
  };
  const enter = async (question: string) => {
    await page.locator(`.quick-input-widget input[placeholder*="${question}"]`).waitFor({ timeout: 60_000 });
    await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await page.keyboard.press('Enter');
    keys++;
  };
  const reached = (what: string) => {
    const now = performance.now();
    steps.push({ what, clicks, keys, seconds: (now - since) / 1000 });
    [clicks, keys, since] = [0, 0, now];
  };
  const notification = (words: string) => page.locator('.notifications-toasts .monaco-button', { hasText: words }).first();

  const row = (name: string) => page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first();

  // VS Code opens it by itself where an extension is installed from its view.
  if (fromWalkthrough) await runCommand(person, 'Labelscope: Open Walkthrough');
  else await click(page.locator('.activitybar [aria-label^="Labelscope"]').first());
  const place = fromWalkthrough ? '.gettingStartedContainer' : '.welcome-view';
  await click(page.locator(`${place} .monaco-button`, { hasText: 'Create Sample Data Set' }).first());
  await notification('Train a Model').waitFor({ timeout: 60_000 });
  reached('a sample data set lies in the folder');
  if (way.includes('right-click')) {
    await click(row('instances_train.json'), 'right');
    const entry = page.locator('.monaco-menu .action-label', { hasText: 'Train Multilabel Model' }).first();
    await entry.waitFor();
    // A menu that has just opened takes no clicks.
    await page.waitForTimeout(500);
    await click(entry);
    for (const question of ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute'])
      await enter(question);
  } else await click(notification('Train a Model'));
  const training = await windowWith(person, '[data-card="history"]');
  reached('the training panel is open');
  await training.locator('.badge', { hasText: 'finished' }).waitFor({ timeout: 300_000 });
  reached('the model is trained');
  await click(notification('Evaluate'));
  await windowWith(person, '#threshold');
  reached('its evaluation is open');
  if (!(await page.locator('.explorer-folders-view').isVisible()))
    await click(page.locator('.activitybar [aria-label^="Explorer"]').first());
  await click(row('val'));
  await click(row('scene-000001.jpg'));
  const image = await windowWith(person, 'figure canvas');
  reached('an image is open, with its predicted labels');
  const label = image.locator('.side [role="group"] button').first();
  if ((await label.getAttribute('aria-pressed')) !== 'true') await click(label);
  await image.locator('figcaption', { hasNotText: 'computing' }).first().waitFor({ timeout: 60_000 });
  reached('Grad-CAM is drawn over it');
  return steps;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
