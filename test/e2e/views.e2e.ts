// The views beside the main way: runs and models with all that is done to them, import, other editors of images, the walkthrough.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyAfter } from './hooks';
import {
  BROWSER,
  contextMenu,
  enterThrough,
  explorerItem,
  NO_BROWSER,
  notification,
  type Person,
  ready,
  runCommand,
  succeeds,
  visit,
  windowWith,
} from './person';
import { packagedExtension, prepareWorkspace, withEngine } from './workspace';

describe.skipIf(BROWSER === undefined)(`the views of Labelscope${NO_BROWSER}`, () => {
  let folder: string;
  let person: Person;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labelscope-views-'));
    await prepareWorkspace(folder, ['first', 'second'], 24);
    person = await visit({ folder, vsix: packagedExtension() });
    await ready(person);
    await showRuns();
  });
  tidyAfter(() => ({ folder, person }));

  const showRuns = async () => {
    if (!(await person.page.locator('.pane-header', { hasText: 'Runs' }).isVisible()))
      await person.page.locator('.activitybar [aria-label^="Labelscope"]').first().click();
  };
  const row = (name: string) => person.page.locator('.pane .monaco-list-row', { hasText: name }).first();
  const dialog = () => person.page.locator('.quick-input-widget input').first();
  const inRow = (name: string) => readRecord(join(folder, 'labelscope-runs', name));

  /**
   * The browser-served VS Code asks for paths of the machine in the place of the palette; `proposed` stands there at first, and once more when
   * its folder was read.
   */
  const answer = async (proposed: RegExp, path: string) => {
    await untilTrue(async () => (await dialog().isVisible()) && proposed.test(await dialog().inputValue()));
    await untilTrue(async () => {
      await dialog().fill(path);
      await person.page.waitForTimeout(500);
      return (await dialog().inputValue()) === path;
    });
    await person.page.keyboard.press('Enter');
  };

  /** Of the step that says `words`. VS Code opens the first step that it does not tick off, and does so again when the walkthrough comes back. */
  const pressInStep = async (words: string, label: string) => {
    const step = person.page.locator('.getting-started-step', { hasText: words });
    await step.waitFor();
    const wanted = step.locator('.monaco-button', { hasText: label });
    await untilTrue(async () => {
      if (!(await wanted.isVisible())) await step.click();
      return succeeds(wanted.click({ timeout: 3000 }));
    });
  };

  it('tells state, recipe and score of each run', async () => {
    for (const name of ['first', 'second']) {
      const score = await microF1(join(folder, 'labelscope-runs', name));
      expect(await row(name).textContent()).toContain(`finished · quick · F1 ${score}`);
    }
  });

  it('renames a run without moving it', async () => {
    await contextMenu(person, row('second'), 'Rename…');
    await dialog().fill('my best');
    await person.page.keyboard.press('Enter');
    await row('my best').waitFor();
    expect((await inRow('second')).name).toBe('my best');
  });

  it('shows formats that browsers do not know', async () => {
    await sharp(join(folder, 'val', 'scene-000004.jpg')).toFile(join(folder, 'val', 'scan.tif'));
    await contextMenu(person, await explorerItem(person, 'val', 'scan.tif'), 'Show Grad-CAM');
    const editor = await windowWith(person, 'figure img[alt="scan.tif"]');
    await editor.locator('.score').first().waitFor();
    expect(await editor.locator('figure canvas').count()).toBe(1);
  });

  it('exports the model of a run, and imports an ONNX file as a model', async () => {
    const out = join(folder, 'exported.onnx');
    await showRuns();
    await contextMenu(person, row('first'), 'Export ONNX Model…');
    await enterThrough(person, ['How weights are stored']);
    await answer(/first\.onnx$/, out);
    await untilTrue(() => Promise.resolve(existsSync(out)));
    await runCommand(person, 'Labelscope: Import Model');
    await answer(/^\//, out);
    const imported = async () =>
      (await readdir(join(folder, 'labelscope-runs'))).find((name) => name.includes('import-exported'));
    await untilTrue(async () => (await imported()) !== undefined);
    const model = person.page.locator('.pane .monaco-list-row[aria-label^="exported"]').first();
    await model.waitFor();
    expect(await model.textContent()).toContain('12 categories');
    expect((await stat(join(folder, 'labelscope-runs', (await imported())!, 'model.onnx'))).size).toBeGreaterThan(1e6);
  });

  it('follows images in any editor: ours, as text, and in the preview of VS Code', async () => {
    const shows = async (name: string) => {
      const view = await windowWith(person, '.list button.label');
      await view.locator('h1', { hasText: name }).waitFor();
      // Until the new ones are there, those of the image before stay, dimmed.
      await view.locator('[aria-busy="false"] .score').first().waitFor();
      return view.locator('.score').allTextContents();
    };
    await openWith(await explorerItem(person, 'val', 'scene-000001.jpg'), undefined);
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const first = await shows('scene-000001.jpg');
    await openWith(await explorerItem(person, 'val', 'scene-000002.jpg'), 'Text Editor');
    await runCommand(person, 'Labelscope: Show Predicted Labels');
    const second = await shows('scene-000002.jpg');
    expect(second).not.toEqual(first);
    // Without leaving the side view: previews live in another extension host and take the service worker from windows that are made later.
    await sharp(join(folder, 'val', 'scene-000003.jpg')).toFile(join(folder, 'val', 'picture.png'));
    await person.page.keyboard.press('Control+P');
    await dialog().fill('picture.png');
    await person.page.locator('.quick-input-list .monaco-list-row', { hasText: 'picture.png' }).first().click();
    await person.page.locator('.tab.active', { hasText: 'picture.png' }).waitFor();
    const third = await shows('picture.png');
    expect(third).not.toEqual(second);
  });

  it('walks a new person through four steps, and draws the sample in the first', async () => {
    await runCommand(person, 'Labelscope: Open Walkthrough');
    const steps = person.page.locator('.gettingStartedContainer .getting-started-step');
    await steps.first().waitFor();
    expect(await steps.count()).toBe(4);
    await pressInStep('Get some data', 'Create Sample Data Set');
    await untilTrue(
      () => Promise.resolve(existsSync(join(folder, 'labelscope-sample', 'annotations', 'instances_val.json'))),
      60_000,
    );
    // Before it is told, its file is shown in the Explorer, which then has the keyboard.
    await person.page.locator('.notifications-toasts', { hasText: 'The sample lies in' }).waitFor();
  });

  it('leads from each of the other steps to where it is done', async () => {
    const { page } = person;
    const press = async (step: string, button: string) => {
      await runCommand(person, 'Labelscope: Open Walkthrough');
      await pressInStep(step, button);
    };
    const asks = async (title: string, question: string) => {
      await page.locator('.quick-input-titlebar', { hasText: title }).waitFor();
      await page.locator(`.quick-input-widget input[placeholder*="${question}"]`).waitFor();
      await page.keyboard.press('Escape');
    };
    await press('Train a model', 'Train a Model');
    // There are several annotation files by now.
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'instances_train.json' }).first().click();
    await asks('Train on instances_train.json', 'Categories to train on');
    await press('Judge it', 'Evaluate Model');
    await asks('Evaluate Model', 'Which model?');
    await press('See where it looks', 'See Where It Looks');
    // Two models are evaluated.
    await page.locator('.quick-input-widget input[placeholder*="Which run?"]').waitFor();
    await page.keyboard.press('Escape');
    await press('See where it looks', 'Show Predicted Labels');
    await page.locator('.pane-header', { hasText: 'Predicted Labels' }).waitFor();
    await runCommand(person, 'Labelscope: Open Walkthrough');
    const last = page.locator('.getting-started-step', { hasText: 'See where it looks' });
    await last.locator('.codicon-getting-started-step-checked').waitFor();
  });

  it('compares runs on the same images, and what differs in their settings', async () => {
    await runCommand(person, 'Labelscope: Compare Runs');
    const page = await windowWith(person, 'h1:has-text("Runs side by side")');
    await page.locator('.verdicts li').first().waitFor();
    expect(await page.locator('.verdicts li').textContent()).toMatch(/my best compared with first: /);
    await page.locator('[data-card="metrics"]').getByRole('button', { name: 'Table' }).click();
    const row = (name: string) => page.locator('tr', { hasText: name }).first().locator('td').allTextContents();
    const scores = await Promise.all(['first', 'second'].map((name) => microF1(join(folder, 'labelscope-runs', name))));
    const cells = await row('Micro F1');
    expect([cells[0], cells[3]]).toEqual(scores);
    expect(await row('seed')).toEqual(['0', '1']);
    const out = join(folder, 'comparison.html');
    await page.getByRole('button', { name: 'Report…' }).click();
    await answer(/comparison\.html$/, out);
    await untilTrue(() => Promise.resolve(existsSync(out)));
  });

  it('follows what another program fits to the model whose evaluation is shown', async () => {
    await showRuns();
    await contextMenu(person, row('first'), 'Open Evaluation Panel');
    const panel = await windowWith(person, '#threshold');
    await panel.getByRole('tab', { name: 'Thresholds' }).click();
    await panel.getByText('The model has the threshold 0.5 for every category.').waitFor();
    const model = join(folder, 'labelscope-runs', 'first');
    const [objective, division] = [{ kind: 'f1' }, { kind: 'half' }] as const;
    await withEngine(async (engine) => {
      await engine.request('thresholds', { model, mode: 'per-category', objective, division, seed: 0, save: true });
      await panel.getByText('The model has its own thresholds: best F1').waitFor();
      await panel.getByRole('tab', { name: 'Overview' }).click();
      await panel.getByLabel("The model's own thresholds").waitFor();
      await panel.getByRole('tab', { name: 'Calibration' }).click();
      await panel.getByText('The model is not calibrated.').waitFor();
      await engine.request('calibrate', { model, method: 'temperature', folds: 2, seed: 0, save: true });
      await panel.getByText('The model is calibrated: temperature').waitFor();
    });
  });

  it('shows where an evaluated model looks, which predicts from then on; where its images are gone, it is to be evaluated again', async () => {
    const look = async () => {
      await showRuns();
      await contextMenu(person, row('first'), 'See Where It Looks');
    };
    await look();
    const image = await windowWith(person, '.side button[aria-pressed="true"]');
    await image.locator('figcaption', { hasNotText: 'computing' }).waitFor();
    // The other run is newer.
    await image.getByText('first (chosen)').waitFor();
    await runCommand(person, 'View: Close All Editors');
    await rename(join(folder, 'val'), join(folder, 'moved'));
    await look();
    const told = await notification(person, 'is where it was');
    expect(await told.locator('.notification-list-item-buttons-container .monaco-button').allTextContents()).toEqual([
      'Evaluate Model',
      'Show Output',
    ]);
    await rename(join(folder, 'moved'), join(folder, 'val'));
    await runCommand(person, 'Notifications: Clear All Notifications');
    await look();
    await windowWith(person, '.side button[aria-pressed="true"]');
  });

  it('asks for the folder of images that it does not find, looks into it, and remembers it', async () => {
    const [lists, shots] = [join(folder, 'lists'), join(folder, 'elsewhere', 'shots')];
    await Promise.all([lists, shots].map((path) => mkdir(path, { recursive: true })));
    const coco = await readJson<{ images: { file_name: string }[] }>(join(folder, 'annotations', 'instances_val.json'));
    for (const image of coco.images) {
      const name = `shot-${image.file_name}`;
      await copyFile(join(folder, 'val', image.file_name), join(shots, name));
      image.file_name = name;
    }
    await writeFile(join(lists, 'mine.json'), JSON.stringify(coco));
    const report = async () => {
      await contextMenu(person, await explorerItem(person, 'lists', 'mine.json'), 'Show Dataset Report');
      return windowWith(person, '[data-place="images"]');
    };
    const before = await report();
    await before.getByText('Image folder: not found').waitFor();
    await before.getByRole('button', { name: 'Choose Image Folder…' }).click();
    await answer(/lists\/?$/, shots);
    await before.getByText(`Image folder: ${shots}`).waitFor();
    await runCommand(person, 'View: Close All Editors');
    const after = await report();
    await after.getByText(`Image folder: ${shots}`).waitFor();
  });

  it.runIf(process.platform === 'linux')('adds CUDA support from a folder, says what came of it, and takes it away', async () => {
    const provider = join(folder, 'provider');
    await mkdir(provider);
    for (const name of ['shared', 'cuda']) await writeFile(join(provider, `libonnxruntime_providers_${name}.so`), 'no library');
    const said = () => person.page.locator('.monaco-dialog-box', { hasText: 'Devices' });
    const added = async () => (await readdir(join(process.env.LABELSCOPE_CACHE!, 'runtime')).catch(() => [])).length;
    await runCommand(person, 'Labelscope: Add CUDA Support');
    await person.page.locator('.quick-input-list .monaco-list-row', { hasText: 'From a folder' }).click();
    // With its last slash: without it, a folder in the one that is shown only filters the list.
    await answer(/^\//, `${provider}/`);
    await said().waitFor();
    expect(await added()).toBe(1);
    // Loading it was tried, and failed: these are no libraries.
    expect(await said().textContent()).toMatch(/– CUDA: (?!ONNX Runtime's CUDA provider is not installed).*Used: .*cpu/s);
    await button(person, 'OK').click();
    await runCommand(person, 'Labelscope: Remove CUDA Support');
    await button(person, 'Remove').click();
    await said().waitFor();
    expect(await said().textContent()).toContain('CUDA provider is not installed');
    expect(await added()).toBe(0);
    await button(person, 'OK').click();
  });

  it('adds no TensorFlow.js before a person agrees, says what is used without it, and takes it away after asking', async () => {
    const added = join(process.env.LABELSCOPE_CACHE!, 'tensorflow');
    const kinds = person.page.locator('.quick-input-list .monaco-list-row');
    await runCommand(person, 'Labelscope: Add TensorFlow.js');
    const cpu = kinds.filter({ hasText: 'For the processor' });
    await cpu.waitFor();
    expect(await cpu.textContent()).toMatch(/@tensorflow\/tfjs-node .*300 MB.*0\.9 GB/);
    expect(await kinds.filter({ hasText: 'For NVIDIA cards' }).textContent()).toMatch(
      /700 MB.*1\.5 GB.*Node's site.*CUDA 12 and cuDNN 9/,
    );
    await person.page.keyboard.press('Escape');
    await cpu.waitFor({ state: 'hidden' });
    expect(existsSync(added)).toBe(false);
    // What cannot be loaded can be taken away as well.
    await mkdir(join(added, 'node_modules'), { recursive: true });
    const settings = join(folder, '.vscode', 'settings.json');
    const before = await readFile(settings, 'utf8');
    await writeFile(settings, JSON.stringify({ ...(JSON.parse(before) as object), 'labelscope.engine.name': 'tensorflow' }));
    await runCommand(person, 'Labelscope: Remove TensorFlow.js');
    await button(person, 'Cancel').click();
    expect(existsSync(added)).toBe(true);
    await runCommand(person, 'Labelscope: Remove TensorFlow.js');
    await button(person, 'Remove').click();
    const said = person.page.locator('.monaco-dialog-box', { hasText: 'Devices' });
    await said.waitFor();
    expect(existsSync(added)).toBe(false);
    expect(await said.textContent()).toMatch(
      /– No TensorFlow\.js was found.*command Add TensorFlow\.js.*Used: nothing, because the engine tensorflow does not load/s,
    );
    await button(person, 'OK').click();
    await writeFile(settings, before);
  });

  it('deletes a run, after asking, for good where there is no trash; a comparison with it keeps what it found', async () => {
    await runCommand(person, 'Labelscope: Compare Runs');
    const comparison = await windowWith(person, 'h1:has-text("Runs side by side")');
    await comparison.locator('.verdicts li').first().waitFor();
    await showRuns();
    await contextMenu(person, row('my best'), 'Delete to Trash');
    await button(person, 'Move to Trash').click();
    const gone = () => !existsSync(join(folder, 'labelscope-runs', 'second'));
    await untilTrue(async () => {
      const forGood = button(person, 'Delete for Good');
      if (!gone() && (await forGood.isVisible())) await forGood.click();
      return gone();
    });
    await row('my best').waitFor({ state: 'detached' });
    const alert = comparison.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toContain('Deleted or moved since: my best.');
    expect(await comparison.locator('.verdicts li').count()).toBe(1);
    expect(existsSync(join(folder, 'labelscope-runs', 'first', 'model.onnx'))).toBe(true);
  });

  it('complains of nothing', () => {
    // VS Code repeats in the console what a notification says.
    expect(person.complaints.filter((one) => !one.includes('is where it was'))).toEqual([]);
  });

  async function openWith(item: Locator, editor: string | undefined): Promise<void> {
    if (editor === undefined) {
      // Rows move when files come meanwhile.
      const tab = person.page.locator(`.tab.active[data-resource-name="${(await item.textContent())?.trim()}"]`);
      await untilTrue(async () => {
        await item.dblclick();
        return tab.isVisible();
      });
      return;
    }
    await contextMenu(person, item, 'Open With...');
    await person.page.locator('.quick-input-list .monaco-list-row', { hasText: editor }).first().click();
    const anyway = person.page.locator('.monaco-editor-pane-placeholder a.monaco-button', { hasText: 'Open Anyway' });
    if (editor === 'Text Editor') await anyway.or(person.page.locator('.monaco-editor-pane-placeholder')).first().waitFor();
  }
});

const button = ({ page }: Person, text: string) => page.locator('.monaco-dialog-box .monaco-button', { hasText: text }).first();

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

async function microF1(folder: string): Promise<string> {
  const { evaluation } = await readJson<{ evaluation: { micro: { f1: number } } }>(join(folder, 'evaluation.json'));
  return evaluation.micro.f1.toFixed(3);
}

const readRecord = (folder: string) => readJson<{ readonly name?: string }>(join(folder, 'run.json'));

async function untilTrue(test: () => Promise<boolean>, limit = 20_000): Promise<void> {
  const end = Date.now() + limit;
  while (!(await test())) {
    if (Date.now() > end) throw new Error('It did not come about in time.');
    await new Promise((done) => setTimeout(done, 300));
  }
}
