// `npm run first-minutes [-- walkthrough|right-click]`: the packaged extension in an empty folder of a clean VS Code, from nothing to Grad-CAM as a new user goes, every
// click and key counted and every step timed: by Try It on a Sample in the side bar; step by step from the walkthrough; or from there by a right-click on the annotation
// file and the questions. LABELSCOPE_VSCODE=newest takes the newest VS Code; LABELSCOPE_E2E_PICTURES keeps what the screen shows after each step.
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
    const steps = await firstMinutes(person, process.argv.slice(2));
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

async function firstMinutes(person: Person, [way = 'try']: readonly string[]): Promise<Step[]> {
  const { page } = person;
  const steps: Step[] = [];
  let [clicks, keys, since] = [0, 0, performance.now()];
  const click = async (target: Locator, button: 'left' | 'right' = 'left') => {
    await target.click({ timeout: 120_000, button });
    clicks++;
  };
  const enter = async (question: string) => {
    await page.locator(`.quick-input-widget input[placeholder*="${question}"]`).waitFor({ timeout: 60_000 });
    await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    await page.keyboard.press('Enter');
    keys++;
  };
  const reached = async (what: string) => {
    steps.push({ what, clicks, keys, seconds: (performance.now() - since) / 1000 });
    await photograph(person, `${way}-${steps.length}`);
    [clicks, keys, since] = [0, 0, performance.now()];
  };
  const notification = (words: string) => page.locator('.notifications-toasts .monaco-button', { hasText: words }).first();
  const rightClick = async () => {
    await click(page.locator('.explorer-folders-view .monaco-list-row[aria-label^="instances_train.json"]').first(), 'right');
    const entry = page.locator('.monaco-menu .action-label', { hasText: 'Train Multilabel Model' }).first();
    await entry.waitFor();
    // A menu that has just opened takes no clicks.
    await page.waitForTimeout(500);
    await click(entry);
    for (const question of ['Categories to train on', 'Which images judge', 'What learns', 'Where to compute'])
      await enter(question);
  };

  if (way === 'try') {
    await click(page.locator('.activitybar [aria-label^="Labelscope"]').first());
    await click(page.locator('.welcome-view .monaco-button', { hasText: 'Try It on a Sample' }).first());
  } else {
    // VS Code opens it by itself where an extension is installed from its view.
    await runCommand(person, 'Labelscope: Open Walkthrough');
    await click(page.locator('.gettingStartedContainer .monaco-button', { hasText: 'Create Sample Data Set' }).first());
    await notification('Train a Model').waitFor({ timeout: 120_000 });
    await reached('a sample data set lies in the folder');
    if (way === 'right-click') await rightClick();
    else await click(notification('Train a Model'));
  }
  const training = await windowWith(person, '[data-card="history"]', 120_000);
  await reached('the training panel is open');
  await training.locator('.badge', { hasText: 'finished' }).waitFor({ timeout: 300_000 });
  await reached('the model is trained');
  if (way === 'right-click') await click(notification('Evaluate'));
  await windowWith(person, '#threshold', 120_000);
  await reached('its evaluation is open');
  await click(notification('See Where It Looks'));
  const image = await windowWith(person, '.side button[aria-pressed="true"]');
  await image.locator('figcaption', { hasNotText: 'computing' }).first().waitFor({ timeout: 60_000 });
  await reached('an image is open, with its predicted labels and Grad-CAM');
  return steps;
}

/** Beside the clock, which begins anew after it. */
async function photograph({ page }: Person, name: string): Promise<void> {
  const folder = process.env.LABELSCOPE_E2E_PICTURES;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `first-minutes-${name}.png`) });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
