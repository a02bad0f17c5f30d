// The WebGPU provider through the real engine: it is trusted, trains to the CPU's losses, keeps its state, and leaks nothing.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineClient, RequestOptions } from '../../src/engine/client/engine';
import { type Head, withNewHead } from '../../src/onnx/classifier';
import { writeModel } from '../../src/engine/run/model-file';
import { buildGradCam, withStage } from '../../src/onnx/gradcam';
import { buildInferenceModel } from '../../src/onnx/inference';
import { buildEvaluation, buildTrainingStep, type StepOptions } from '../../src/onnx/training';
import type { TrainParams } from '../../src/protocol/messages';
import { CATEGORIES, type TinyData, writeTinyData } from '../support/data';
import { pointsOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';
import { float32, STEP } from '../support/graphs';
import { compose, dense, mobileNetwork, perceptron, residualNetwork, scaledPixels, transformer } from '../support/networks';
import { NO_WEBGPU, refusalOfWebgpu, WEBGPU } from '../support/vulkan';

/** Losses of the two devices differ by the order of float32 sums, which a few steps let grow. */
const DIGITS = 4;

/** Of the images of the network with much state. */
const SIDE = 64;

/** A device in software compiles hundreds of shaders for a step, on cores that other tests use too. */
const PATIENCE = { timeout: 240_000 };

describe.skipIf(!WEBGPU || UNBUILT)(`the engine on WebGPU${NO_WEBGPU}${UNBUILT}`, PATIENCE, () => {
  let folder: string;
  let backbones: { readonly convolutions: string; readonly dense: string; readonly big: string };
  let data: TinyData;
  let engine: EngineClient;

  beforeAll(async () => {
    for (const [name, value] of Object.entries(WEBGPU!)) vi.stubEnv(name, value);
    folder = await mkdtemp(join(tmpdir(), 'labelscope-webgpu-'));
    backbones = { convolutions: join(folder, 'a.onnx'), dense: join(folder, 'b.onnx'), big: join(folder, 'c.onnx') };
    await writeTinyBackbone(backbones.convolutions);
    await writeModel(backbones.dense, perceptron(12));
    await writeModel(backbones.big, scaledPixels(SIDE));
    data = await writeTinyData(join(folder, 'data'), { train: 16, validation: 5 });
    engine = startEngine();
  });

  afterAll(async () => {
    await engine.stop();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  type Job = Readonly<Record<string, string>> & { readonly backbone: keyof typeof backbones };

  function paramsOf(run: string, device: 'cpu' | 'webgpu', { backbone, ...set }: Job): TrainParams {
    return trainParams(data.train, backbones[backbone], join(folder, run), {
      device,
      validation: data.validation,
      set: { batchSize: '4', learnRate: '0.01', ...set },
    });
  }

  /** Trains on both devices and compares every loss. Answers the folder of the run on the device. */
  async function expectSameLosses(name: string, job: Job, trainOnDevice = trainThrough): Promise<string> {
    await trainThrough(paramsOf(`${name}-cpu`, 'cpu', job));
    const params = paramsOf(`${name}-webgpu`, 'webgpu', job);
    await trainOnDevice(params);
    const [expected, found] = [await pointsOf(join(folder, `${name}-cpu`)), await pointsOf(params.run)];
    expect(found.map(({ iteration }) => iteration)).toEqual(expected.map(({ iteration }) => iteration));
    for (const [k, { loss, validationLoss }] of expected.entries()) {
      expect(found[k]!.loss, `loss of iteration ${k + 1}`).toBeCloseTo(loss, DIGITS);
      if (validationLoss !== undefined) expect(found[k]!.validationLoss).toBeCloseTo(validationLoss, DIGITS);
    }
    expect(new Set(found.map(({ loss }) => loss)).size).toBe(found.length);
    return params.run;
  }

  async function trainThrough(params: TrainParams, options: RequestOptions<'train'> = {}) {
    const result = await engine.request('train', params, options);
    expect(result.device.device).toBe(params.device);
    return result;
  }

  it('is trusted after a self-check, and auto says why it takes it or passes it over', async () => {
    const { devices, chosen } = await engine.request('doctor', { device: 'auto' });
    const webgpu = devices.find(({ device }) => device === 'webgpu')!;
    expect(webgpu.reason).toMatch(/reproduces the CPU's small training step to \d/);
    expect(webgpu.available).toBe(true);
    expect(chosen?.reason).toContain(webgpu.reason);
    expect(chosen?.device).toBe(webgpu.reason.includes('times as long') ? 'cpu' : 'webgpu');
  });

  it('trains all layers with batch statistics to the CPU’s losses', async () => {
    const limits = { maxIterations: '6', validationFrequency: '3' };
    await expectSameLosses('all', { backbone: 'convolutions', layers: 'all', batchNorm: 'batch', ...limits });
  });

  it('is stopped and resumed with its state on the device, and makes the model that the CPU makes', async () => {
    const job: Job = { backbone: 'dense', layers: 'all', maxIterations: '200', epochs: '50', validationFrequency: '100' };
    const run = await expectSameLosses('dense', job, async (params) => {
      const stop = new AbortController();
      const stopped = await trainThrough(params, {
        signal: stop.signal,
        onProgress: ({ kind }) => kind === 'points' && stop.abort(),
      });
      expect(stopped.stopped).toBe('person');
      expect(stopped.iterations).toBeLessThan(200);
      return trainThrough({ ...params, set: {}, resume: true });
    });
    const exported = join(folder, 'exported.onnx');
    await engine.request('export', { run, out: exported });
    const files = [join(data.validationImages, 'val-000.png'), join(data.validationImages, 'val-003.png')];
    const predict = (model: string, device: 'cpu' | 'webgpu') => engine.request('predict', { model, device, files });
    const expected = await predict(join(folder, 'dense-cpu'), 'cpu');
    for (const found of [await predict(exported, 'cpu'), await predict(run, 'webgpu')]) {
      expect(found.images).toHaveLength(2);
      for (const [k, { scores }] of found.images.entries()) {
        for (const name of CATEGORIES) expect(scores[name]).toBeCloseTo(expected.images[k]!.scores[name]!, DIGITS);
      }
    }
  });

  it('averages weights and trains asymmetric loss as the CPU does', async () => {
    const options = { loss: 'asl', aslGammaPositive: '1', positiveWeight: 'balanced', labelSmoothing: '0.1', ema: '0.9' };
    const limits = { maxIterations: '4', validationFrequency: '2' };
    await expectSameLosses('asymmetric', { backbone: 'dense', layers: 'all', batchNorm: 'frozen', ...options, ...limits });
  });

  it('explains an image as the CPU does', async () => {
    const run = join(folder, 'all-cpu');
    const explain = (device: 'cpu' | 'webgpu') =>
      engine.request('explain', {
        model: run,
        device,
        files: [join(data.validationImages, 'val-004.png')],
        categories: [...CATEGORIES],
        colormap: 'jet',
        opacity: 0.5,
        out: join(folder, device),
      });
    const [expected, found] = [await explain('cpu'), await explain('webgpu')];
    const maps = expected.images[0]!.maps;
    expect(maps.flatMap(({ values }) => values).some((value) => value > 0)).toBe(true);
    for (const [k, { values }] of maps.entries()) {
      values.forEach((value, at) => expect(found.images[0]!.maps[k]!.values[at]).toBeCloseTo(value, DIGITS));
    }
  });

  const statm = (pid: number | undefined) => `/proc/${pid}/statm`;
  const noProc = existsSync(statm(process.pid)) ? '' : ' (skipped: this system has no /proc that tells it)';

  it.skipIf(noProc)(`does not take more memory with every step${noProc}`, async () => {
    const seen: Promise<{ iteration: number; bytes: number }>[] = [];
    const memoryAt = async (iteration: number) => {
      const pages = (await readFile(statm(engine.pid), 'utf8')).split(' ')[1];
      return { iteration, bytes: 4096 * Number(pages) };
    };
    const limits = { batchSize: '1', maxIterations: '100', validationFrequency: '1000', checkpointFrequency: '1000' };
    await trainThrough(paramsOf('long', 'webgpu', { backbone: 'big', layers: 'all', batchNorm: 'frozen', ...limits }), {
      onProgress: (event) => event.kind === 'points' && seen.push(memoryAt(event.points.at(-1)!.iteration)),
    });
    const memory = await Promise.all(seen);
    const early = memory.find(({ iteration }) => iteration >= 20)!;
    const late = memory.at(-1)!;
    const steps = late.iteration - early.iteration;
    expect(steps).toBeGreaterThan(40);
    // Scales, shifts and their momentum: what a step would leave behind.
    const state = 4 * (2 + 2) * 3 * SIDE * SIDE;
    expect((late.bytes - early.bytes) / steps, `bytes that each of ${steps} steps added`).toBeLessThan(state / 2);
  });
});

describe.skipIf(!WEBGPU)(`graphs on WebGPU${NO_WEBGPU}`, () => {
  const step: StepOptions = { ...STEP, batchSize: 2 };

  const ASYMMETRIC = {
    positiveWeights: [1, 2, 3],
    asymmetry: { gammaPositive: 1, gammaNegative: 4, clip: 0.05 },
    labelSmoothing: 0.1,
  };

  it('would notice an operator that the provider leaves to the CPU', () => {
    const model = compose((net, input) => net.op('Hardmax', [dense(net, net.op('Flatten', [input]), [5, 768])]));
    expect(refusalOfWebgpu(model, WEBGPU!)).toMatch(/CPU/);
  });

  it.each([
    ['residual network', residualNetwork()],
    ['mobile network', mobileNetwork()],
    ['transformer', transformer()],
  ])('leave no operator of a %s to the CPU', (name, model) => {
    const classifier = withNewHead(model, name, newHead);
    const training = buildTrainingStep(classifier, step, 'gpu');
    const card = { categories: ['a', 'b', 'c'], thresholds: [0.5, 0.5, 0.5], provenance: {} };
    const models = {
      training: training.model,
      frozen: buildTrainingStep(classifier, { ...step, batchNorm: 'frozen' }, 'gpu').model,
      asymmetric: buildTrainingStep(classifier, { ...step, objective: ASYMMETRIC, averaged: true }, 'gpu').model,
      evaluation: buildEvaluation(classifier, Object.keys(training.state)),
      inference: withStage(buildInferenceModel(classifier, card), classifier),
      ...(classifier.stage !== undefined && { gradCam: buildGradCam(classifier, 2, 'gpu') }),
    };
    const refusals = Object.entries(models).map(([graph, each]) => [graph, refusalOfWebgpu(each, WEBGPU!)]);
    expect(refusals.filter(([, refusal]) => refusal !== undefined)).toEqual([]);
  });
});

function newHead(features: number): Head {
  return { weight: float32([3, features], new Array<number>(3 * features).fill(0.1)), bias: float32([3], [0, 0, 0]) };
}
