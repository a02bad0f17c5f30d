// The two forms of the training step in the real engine: the self-check, what it leaves behind, and what a person is told of it.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EngineClient } from '../../src/engine/client/engine';
import { checkForms } from '../../src/engine/forms/check';
import { blocksHere } from '../../src/engine/forms/processor';
import { type Runtime, startRuntime } from '../../src/engine/runtime/runtime';
import { withNewHead } from '../../src/onnx/classifier';
import { writeModel } from '../../src/engine/run/model-file';
import type { Model } from '../../src/onnx/model';
import type { StepOptions } from '../../src/onnx/training';
import type { TrainEvent, TrainResult } from '../../src/protocol/messages';
import type { RunRecord } from '../../src/protocol/run';
import { type TinyData, writeTinyData } from '../support/data';
import { expectSameModel, historyOf, jsonOf, pointsOf, startEngine, trainParams, UNBUILT } from '../support/engine';
import { float32, STEP } from '../support/graphs';
import { batchNorm, bottlenecks, compose, conv, dense } from '../support/networks';

const SIGNAL = new AbortController().signal;

const OPTIONS: StepOptions = { ...STEP, batchSize: 16 };

/** Ten million is added to what convolutions find and taken away from its mean: the order of the additions decides what is left. */
function roundedAway(): Model {
  return compose((net, input) => {
    const first = net.op('Relu', [batchNorm(net, conv(net, input, 'stem', [16, 3]), 16, 'norm')]);
    net.initializers.set(
      'second.bias',
      float32(
        [16],
        Array.from({ length: 16 }, () => 1e7),
      ),
    );
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    const high = net.op('Conv', [first, net.weight('second.weight', [16, 16, 3, 3]), 'second.bias'], attributes);
    const low = net.op('Sub', [net.op('GlobalAveragePool', [high]), net.scalar(1e7)]);
    return dense(net, net.op('Flatten', [low], { axis: 1 }), [5, 16]);
  });
}

let folder: string;
let data: TinyData;
let [network, rounded] = ['', ''];
let runtime: Runtime;
let block: number | undefined;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'forms-'));
  data = await writeTinyData(join(folder, 'data'));
  [network, rounded] = [join(folder, 'network.onnx'), join(folder, 'rounded.onnx')];
  await writeModel(network, bottlenecks('middle', 16));
  await writeModel(rounded, roundedAway());
  process.env.LABELSCOPE_CACHE = join(folder, 'cache');
  runtime = startRuntime(resolve('dist', 'worker.js'));
  ({ block } = await blocksHere(runtime));
});
afterAll(async () => {
  if (UNBUILT) return;
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

const engines: EngineClient[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.stop();
});

/** An engine whose steps are of the given form, or as it likes. */
function engineWith(form: 'plain' | 'blocked' | 'auto'): EngineClient {
  process.env.LABELSCOPE_STEP_FORM = form;
  const engine = startEngine();
  engines.push(engine);
  return engine;
}

const SET = { batchSize: '16', epochs: '130', validationFrequency: '50', validationPatience: '0', learnRate: '0.001' };

interface Told {
  readonly result: TrainResult;
  readonly record: RunRecord;
  readonly stages: readonly string[];
  readonly warnings: readonly string[];
}

async function train(
  engine: EngineClient,
  name: string,
  { backbone = network, set = {}, resume = false, stopAt = Infinity } = {},
): Promise<Told> {
  const run = join(folder, name);
  const events: TrainEvent[] = [];
  const stop = new AbortController();
  const onProgress = (event: TrainEvent) => {
    events.push(event);
    if (event.kind === 'points' && event.points.at(-1)!.iteration >= stopAt) stop.abort();
  };
  const params = trainParams(data.train, backbone, run, { set: resume ? {} : { ...SET, ...set }, resume });
  const result = await engine.request('train', params, { onProgress, signal: stop.signal });
  const messages = (kind: 'stage' | 'warning') => events.flatMap((event) => (event.kind === kind ? [event.message] : []));
  return {
    result,
    record: await jsonOf<RunRecord>(join(run, 'run.json')),
    stages: messages('stage'),
    warnings: messages('warning'),
  };
}

const CHECKING = /^Comparing the two forms/;
const hasBlocks = () => block !== undefined;

describe.skipIf(UNBUILT)(`the forms of a training step${UNBUILT}`, () => {
  it('asks ONNX Runtime for the size of its blocks', async () => {
    const { block: found, against } = await blocksHere(runtime);
    if (process.arch !== 'x64') expect({ found, against }).toEqual({ found: undefined, against: expect.any(String) as string });
    else expect([8, 16, undefined]).toContain(found);
    expect(found === undefined).toBe(against !== undefined);
  });

  it('finds both forms alike, and a form with blocks of another size unlike', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const classifier = withNewHead(bottlenecks('middle', 16), 'net.onnx', (features) => ({
      weight: float32(
        [3, features],
        new Float32Array(3 * features).map((_, k) => 0.1 * Math.sin(k)),
      ),
      bias: float32([3], [0.1, -0.2, 0.3]),
    }));
    const load = { device: 'cpu', threads: 1 } as const;
    const check = (channels: number) =>
      checkForms(classifier, OPTIONS, load, { runtime, signal: SIGNAL, block: channels }).catch((error: unknown) => error);
    expect(await check(block!)).toMatchObject({ agrees: true });
    const other = await check(block === 8 ? 16 : 8);
    expect([{ agrees: false }, { code: 'runtime-failed' }]).toContainEqual(
      'agrees' in (other as object)
        ? { agrees: (other as { agrees: boolean }).agrees }
        : { code: (other as { code: string }).code },
    );
  });

  it('checks once for a network, says what it found, and keeps it for later runs and for doctor', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const engine = engineWith('auto');
    const first = await train(engine, 'first', { stopAt: 1 });
    expect(first.warnings).toEqual([]);
    expect(first.stages.filter((stage) => CHECKING.test(stage))).toHaveLength(1);
    const { form, reason } = first.record.form!;
    expect(first.stages).toContain(`Training step: ${form} form: ${reason}`);
    // Which one is faster, on a network as small as this, is not for a test to say.
    expect(reason).toMatch(form === 'blocked' ? /self-check found the same step/ : /right, but not faster/);
    expect(first.record.form!.block).toBe(form === 'blocked' ? block : undefined);
    const second = await train(engine, 'second', { set: { epochs: '3' } });
    expect(second.stages.filter((stage) => CHECKING.test(stage))).toEqual([]);
    expect(second.record.form).toEqual(first.record.form);
    const { forms } = await engine.request('doctor', { device: 'cpu' });
    expect(forms).toMatchObject({
      form: 'blocked',
      block,
      verdicts: [{ form, reason, network: expect.stringContaining('9 conv') as string }],
    });
    expect((await readdir(join(folder, 'cache', 'forms'))).length).toBe(1);
  });

  it('falls back aloud where the self-check finds another step', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const engine = engineWith('auto');
    const { record, warnings } = await train(engine, 'rounded', { backbone: rounded, stopAt: 1 });
    expect(record.form).toMatchObject({
      form: 'plain',
      reason: expect.stringMatching(/differs from the plain form .*not used/) as string,
    });
    expect(warnings).toEqual([`Training step: ${record.form!.reason}`]);
  });

  it('does not check for a short run, for the head alone, or for a batch that is no multiple of a block', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const engine = engineWith('auto');
    const reasonOf = async (name: string, set: Record<string, string>) => {
      const { record, stages } = await train(engine, name, { set, backbone: network });
      expect(stages.filter((stage) => CHECKING.test(stage))).toEqual([]);
      return record.form;
    };
    expect(await reasonOf('short', { epochs: '2', learnRate: '0.002', layers: 'last-stages' })).toMatchObject({
      form: 'plain',
      reason: expect.stringContaining('too short') as string,
    });
    expect(await reasonOf('head', { layers: 'head' })).toMatchObject({ form: 'plain', reason: 'no convolution learns.' });
    expect(await reasonOf('odd', { batchSize: '12', epochs: '2' })).toMatchObject({
      form: 'plain',
      reason: expect.stringContaining('multiple') as string,
    });
  });

  it('learns the same in both forms, and goes on from a checkpoint in the form it began in, to the bit', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const set = { epochs: '200', validationFrequency: '50' };
    const blockedEngine = engineWith('blocked');
    const whole = await train(blockedEngine, 'whole', { set });
    expect(whole.record.form).toMatchObject({ form: 'blocked', block });
    // At the first that is told: points come ten times a second at most, and a step takes milliseconds.
    await train(blockedEngine, 'parts', { set, stopAt: 1 });
    // Nobody asks for a form any more.
    const resumed = await train(engineWith('auto'), 'parts', { resume: true });
    expect(resumed.record.form).toMatchObject({ form: 'blocked', block, reason: 'the run began so.' });
    expect(await historyOf(join(folder, 'parts'))).toEqual(await historyOf(join(folder, 'whole')));
    await expectSameModel(join(folder, 'parts', 'model.onnx'), join(folder, 'whole', 'model.onnx'));
  });

  it('learns the same in either form, and from a checkpoint of the other one', async (test) => {
    if (!hasBlocks()) test.skip('this processor has no blocked layout that was checked');
    const set = { epochs: '30', validationFrequency: '10' };
    const lossesOf = async (name: string) => (await pointsOf(join(folder, name))).map(({ loss }) => loss);
    const { record } = await train(engineWith('plain'), 'plain', { set });
    expect(record.form).toEqual({ form: 'plain', reason: 'LABELSCOPE_STEP_FORM asks for it.' });
    const plain = await lossesOf('plain');
    await train(engineWith('blocked'), 'blocked', { set });
    await train(engineWith('plain'), 'changed', { set, stopAt: 1 });
    const changed = await train(engineWith('blocked'), 'changed', { resume: true });
    expect(changed.record.form).toMatchObject({ form: 'blocked', block });
    for (const name of ['blocked', 'changed']) {
      const losses = await lossesOf(name);
      expect(losses).toHaveLength(30);
      expect(losses.map((loss, k) => Math.abs(loss / plain[k]! - 1)).filter((error) => !(error < 0.01))).toEqual([]);
      expect(losses[0]).toBeCloseTo(plain[0]!, 5);
    }
  });

  it('refuses a form that there is not', async () => {
    await expect(train(engineWith('fast' as 'plain'), 'wrong')).rejects.toMatchObject({
      code: 'setting-value',
      message: expect.stringContaining("LABELSCOPE_STEP_FORM cannot be 'fast'") as string,
    });
  });
});
