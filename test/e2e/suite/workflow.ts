// The whole way through the public API and the commands: sample, train, evaluate, predict, explain, export; and the settings on the way.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { LabelscopeApi } from '../../../src/host/api';
import type { Evaluation } from '../../../src/metrics/types';
import type { SampleResult, TrainResult } from '../../../src/protocol/messages';
import type { RunRecord } from '../../../src/protocol/run';
import { api, inWorkspace, jsonOf, set, tabTitled } from './support';

const IMAGES = 24;
/** What the workspace's settings say, and the run must show. */
const SETTINGS = { runsFolder: 'kept/runs', seed: 7, recipeSettings: { epochs: 60, validationFrequency: 5 }, device: 'cpu' };

describe('the way from an annotation file to what the model saw', () => {
  let labelscope: LabelscopeApi;
  let sample: SampleResult;
  let trained: TrainResult;
  let image: string;

  before(async () => {
    labelscope = await api();
    for (const [key, value] of Object.entries(SETTINGS)) await set(key, value);
    sample = await labelscope.createSample(inWorkspace('pictures'), IMAGES);
    image = join(dirname(sample.validationAnnotations), '..', 'val', await firstImage(sample));
  });
  after(async () => {
    for (const key of Object.keys(SETTINGS)) await set(key, undefined);
  });

  it('draws the sample into the workspace', () => {
    equal(sample.trainImages, IMAGES);
    ok(existsSync(sample.trainAnnotations) && existsSync(image));
  });

  it('inspects an annotation file: categories with counts, the validation file found by its name', async () => {
    const report = await labelscope.inspect(sample.trainAnnotations);
    equal(report.validation, sample.validationAnnotations);
    equal(report.categories.length, 12);
    ok(report.categories.some(({ images }) => images > 0));
    equal(report.coOccurrence.length, 12 * 12);
  });

  it('trains with the settings of the workspace', async () => {
    const started = labelscope.train(sample.trainAnnotations, { validation: sample.validationAnnotations });
    match(started.run, /kept[\\/]runs[\\/][^\\/]+-quick$/);
    trained = await started.done;
    equal(trained.epochs, SETTINGS.recipeSettings.epochs);
    ok(trained.best && Number.isFinite(trained.best.validationLoss));
    const record = await jsonOf<RunRecord>(join(trained.run, 'run.json'));
    equal(record.state, 'finished');
    equal(record.seed, SETTINGS.seed);
    equal(record.recipe.validationFrequency, SETTINGS.recipeSettings.validationFrequency);
    equal(record.device.device, 'cpu');
  });

  it('lists the run with its model', async () => {
    const [newest] = await labelscope.runs();
    equal(newest?.folder, trained.run);
    equal(newest?.status, 'finished');
    ok(newest?.hasModel);
  });

  it('evaluates: the values of the API, of the command and of evaluation.json are the same', async () => {
    const { evaluation } = await labelscope.evaluate(trained.run);
    ok(evaluation.micro.f1 >= 0 && evaluation.micro.f1 <= 1);
    const target = vscode.Uri.file(trained.run);
    const answered = await vscode.commands.executeCommand<Evaluation>('labelscope.evaluate', target, {});
    deepEqual(answered.micro, evaluation.micro);
    const kept = await jsonOf<{ readonly evaluation: Evaluation }>(join(trained.run, 'evaluation.json'));
    equal(kept.evaluation.mAP, evaluation.mAP);
  });

  it('predicts: one probability a category, and as labels those that reach the threshold', async () => {
    const [predicted] = await labelscope.predict([image]);
    ok(predicted);
    const scores = Object.entries(predicted.scores);
    equal(scores.length, 12);
    ok(scores.every(([, score]) => score >= 0 && score <= 1));
    const lowest = Math.min(1, ...predicted.labels.map((label) => predicted.scores[label]!));
    const others = scores.filter(([name]) => !predicted.labels.includes(name)).map(([, score]) => score);
    ok(others.every((score) => score <= lowest));
  });

  it('explains: a map for each category that is asked for, and they differ', async () => {
    const [predicted] = await labelscope.predict([image]);
    const names = Object.entries(predicted!.scores)
      .sort(([, a], [, b]) => b - a)
      .map(([name]) => name)
      .slice(0, 2);
    const maps = await labelscope.explain(image, names);
    deepEqual(
      maps.map(({ category }) => category),
      names,
    );
    for (const { width, height, values } of maps) {
      equal(values.length, width * height);
      ok(values.every((value) => Number.isFinite(value) && value >= 0));
    }
    ok(maps[0]!.values.some((value, k) => value !== maps[1]!.values[k]));
  });

  it('exports one ONNX file', async () => {
    const out = inWorkspace('exported.onnx');
    const { bytes } = await labelscope.exportModel(trained.run, out);
    equal((await readFile(out)).length, bytes);
  });

  it('answers what its panels show: the file of a report, the folder of a run', async () => {
    const { executeCommand } = vscode.commands;
    const annotations = vscode.Uri.file(sample.trainAnnotations);
    equal(await executeCommand('labelscope.showDatasetReport', annotations), annotations.fsPath);
    equal(await executeCommand('labelscope.openTraining', vscode.Uri.file(trained.run)), trained.run);
    equal(await executeCommand('labelscope.openEvaluation', vscode.Uri.file(trained.run)), trained.run);
    for (const kind of ['Dataset: ', 'Training: ', 'Evaluation: ']) ok((await tabTitled(kind)).label.startsWith(kind));
  });
});

async function firstImage({ validationAnnotations }: SampleResult): Promise<string> {
  const { images } = await jsonOf<{ readonly images: readonly { readonly file_name: string }[] }>(validationAnnotations);
  return images[0]!.file_name;
}
