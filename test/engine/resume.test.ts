// What a resumed run refuses: every difference that would make its end another than that of a run left alone.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../../src/engine/client/engine';
import { writeTensors } from '../../src/engine/run/safetensors';
import type { TrainEvent, TrainResult } from '../../src/protocol/messages';
import type { RunRecord } from '../../src/protocol/run';
import { type TinyData, writeTinyData } from '../support/data';
import { jsonOf, startEngine, trainParams, UNBUILT, writeTinyBackbone } from '../support/engine';

const SET = { epochs: '100', batchSize: '8', validationFrequency: '6', learnRate: '0.01' };

let folder: string;
let own: TinyData;
let tiny: string;
let tinyBytes: string;
let stopped: string;
let engine: EngineClient;

beforeAll(async () => {
  if (UNBUILT) return;
  folder = await mkdtemp(join(tmpdir(), 'resume-'));
  own = await writeTinyData(join(folder, 'own'));
  [tiny, tinyBytes, stopped] = [join(folder, 'tiny.onnx'), join(folder, 'tiny-bytes.onnx'), join(folder, 'run')];
  await writeTinyBackbone(tiny);
  await writeTinyBackbone(tinyBytes, { input: 'uint8' });
  engine = startEngine();
  const stop = new AbortController();
  const onProgress = (event: TrainEvent) => event.kind === 'points' && stop.abort();
  await engine.request('train', trainParams(own.train, tiny, stopped, { set: SET }), { onProgress, signal: stop.signal });
});
afterAll(async () => {
  if (UNBUILT) return;
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

type Changes = Parameters<typeof trainParams>[3];

function train(run: string, changes: Changes): Promise<TrainResult> {
  return engine.request('train', trainParams(own.train, tiny, run, changes));
}

const resume = (changes: Changes = {}): Promise<TrainResult> => train(stopped, { resume: true, ...changes });

const refusal = (code: string, ...words: string[]) => ({
  code,
  message: expect.stringMatching(new RegExp(`^[^\\n]*${words.join('[^\\n]*')}[^\\n]*$`)) as string,
});

describe.skipIf(UNBUILT)(`a resumed run refuses${UNBUILT}`, () => {
  it('another training in a folder that holds a run', async () => {
    await expect(train(stopped, { set: SET })).rejects.toMatchObject(refusal('run-exists', stopped, '--resume'));
  });

  it('a folder without a run', async () => {
    await expect(train(join(folder, 'nowhere'), { resume: true })).rejects.toMatchObject(refusal('run-missing', 'nowhere'));
  });

  it('other settings, by name; the same ones may be repeated', async () => {
    await expect(resume({ set: { epochs: '100', learnRate: '0.5' } })).rejects.toMatchObject(
      refusal('resume-settings', 'learnRate=0.01'),
    );
    await expect(resume({ set: { epoch: '100' } })).rejects.toMatchObject(refusal('setting-unknown', "'epoch'"));
  });

  it('a changed annotation file, of training or of validation', async () => {
    for (const path of [own.train, own.validation]) {
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace('"iscrowd":0', '"iscrowd":1'));
      await expect(resume()).rejects.toMatchObject(refusal('annotations-changed', path, 'its text has changed'));
      const count = (JSON.parse(text) as { annotations: unknown[] }).annotations.length;
      await writeFile(path, text.replace(/\{"id":1,"iscrowd":0,.*?\},/, ''));
      const said = refusal('annotations-changed', path, `had ${count} annotations and now has ${count - 1}\\.`);
      await expect(resume()).rejects.toMatchObject(said);
      await writeFile(path, text);
    }
  });

  it('another file than the one of the run', async () => {
    await expect(resume({ set: {}, validation: own.train })).rejects.toMatchObject(refusal('annotations-changed', own.train));
  });

  it('images that are gone', async () => {
    const image = join(own.trainImages, 'train-003.png');
    const bytes = await readFile(image);
    await rm(image);
    await expect(resume()).rejects.toMatchObject(refusal('images-changed', '23 images', '24'));
    await writeFile(image, bytes);
  });

  it('another backbone, or none', async () => {
    await expect(resume({ backbone: tinyBytes })).rejects.toMatchObject(refusal('backbone-changed', tinyBytes));
    await expect(resume({ backbone: join(folder, 'gone.onnx') })).rejects.toMatchObject(refusal('backbone-missing', 'gone.onnx'));
  });

  it('a checkpoint that is cut, changed or of another kind, and a record that is', async () => {
    const path = join(stopped, 'checkpoint', 'state.safetensors');
    const whole = await readFile(path);
    const changed = Buffer.from(whole);
    changed[changed.length - 3]! ^= 64;
    for (const bytes of [whole.subarray(0, whole.length >> 1), whole.subarray(0, 5), Buffer.alloc(0), changed]) {
      await writeFile(path, bytes);
      await expect(resume()).rejects.toMatchObject(refusal('checkpoint-unreadable', path));
    }
    await rm(path);
    await writeTensors(path, { tensors: {}, metadata: {} });
    await expect(resume()).rejects.toMatchObject(refusal('checkpoint-unreadable', path));
    await writeFile(path, whole);
    const record = await readFile(join(stopped, 'run.json'), 'utf8');
    await writeFile(join(stopped, 'run.json'), record.replace('"format": 2', '"format": 3'));
    await expect(resume()).rejects.toMatchObject(refusal('run-newer', 'format 3'));
    await writeFile(join(stopped, 'run.json'), record.slice(0, 100));
    await expect(resume()).rejects.toMatchObject(refusal('run-unreadable', 'run\\.json'));
    await writeFile(join(stopped, 'run.json'), record);
  });

  it('two trainings in it at a time', async () => {
    const stop = new AbortController();
    let first: Promise<unknown> | undefined;
    const second = new Promise((done) => {
      const onProgress = (event: TrainEvent) => {
        if (event.kind === 'points') done(resume().catch((error: unknown) => error));
      };
      const params = trainParams(own.train, tiny, stopped, { resume: true });
      first = engine.request('train', params, { onProgress, signal: stop.signal }).catch(() => undefined);
    });
    expect(await second).toMatchObject(refusal('run-busy', stopped));
    stop.abort();
    await first;
  });
});

describe.skipIf(UNBUILT)(`a run whose device is gone${UNBUILT}`, () => {
  it('goes on elsewhere and says so, but on no other than one that is asked for by name', async () => {
    const run = join(folder, 'was-on-cuda');
    await cp(stopped, run, { recursive: true });
    const path = join(run, 'run.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"device": "cpu"', '"device": "cuda"'));
    await expect(train(run, { resume: true, device: 'cuda' })).rejects.toMatchObject(refusal('device-unavailable', 'cuda'));
    const stop = new AbortController();
    const said: string[] = [];
    const onProgress = (event: TrainEvent) => {
      if (event.kind === 'stage') said.push(event.message);
      if (event.kind === 'points') stop.abort();
    };
    const params = trainParams(own.train, tiny, run, { resume: true, device: 'auto' });
    const { device } = await engine.request('train', params, { onProgress, signal: stop.signal });
    expect(device.device).not.toBe('cuda');
    expect(said).toContainEqual(
      expect.stringMatching(/^The run was on cuda, which cannot be used now; .*CUDA: .*(not installed|has no CUDA)/),
    );
    expect((await jsonOf<RunRecord>(path)).device).toEqual(device);
    expect(device.insteadOf).toBe('cuda');
    // The card is asked for anew each time.
    await expect(train(run, { resume: true, device: 'cuda' })).rejects.toMatchObject({ code: 'device-unavailable' });
    const again = new AbortController();
    const third = await engine.request('train', params, {
      onProgress: (event) => event.kind === 'points' && again.abort(),
      signal: again.signal,
    });
    expect(third.device.insteadOf).toBe('cuda');
  });
});
