// Models that are kept as ONNX Runtime has optimised them: what they give, when they are left aside, and what cannot go wrong with them.
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadKept } from '../../src/engine/kept-models';
import { type Runtime, startRuntime } from '../../src/engine/runtime/runtime';
import { withNewHead } from '../../src/onnx/classifier';
import { encodeModel } from '../../src/onnx/encode';
import { isSettled } from '../../src/dataset/cache-files';
import { elementCount } from '../../src/onnx/model';
import { UNBUILT } from '../support/engine';
import { float32, floats } from '../support/graphs';
import { residualNetwork } from '../support/networks';

const model = withNewHead(residualNetwork(), 'net.onnx', (features) => ({
  weight: float32(
    [3, features],
    Array.from({ length: 3 * features }, (_, k) => Math.sin(k)),
  ),
  bias: float32([3], [0, 0, 0]),
}));
const encoded = encodeModel({ irVersion: 10, opsets: { '': model.opset }, producer: 'test', metadata: {}, graph: model.graph });
const device = { device: 'cpu', threads: 1, reason: 'test' } as const;

describe.skipIf(UNBUILT)(`a model that is kept${UNBUILT}`, () => {
  let folder: string;
  let file: string;
  let cache: string;
  let runtime: Runtime;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kept-'));
    [file, cache] = [join(folder, 'model.onnx'), join(folder, 'cache', 'models')];
    vi.stubEnv('LABELSCOPE_CACHE', join(folder, 'cache'));
    await writeFile(file, encoded);
    await settled();
    runtime = startRuntime(resolve('dist', 'worker.js'));
  });
  afterEach(async () => {
    await runtime.close();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  async function settled() {
    while (!isSettled(await stat(file, { bigint: true }))) await wait(100);
  }

  /** The logits of a picture, and whether the model itself was asked for. */
  async function logits(place = file): Promise<{ values: Float32Array; encoded: boolean }> {
    const encode = vi.fn(() => encoded);
    const session = await loadKept(place, encode, runtime, device);
    const dims = [1, model.height, model.width, 3];
    const data = Uint8Array.from({ length: elementCount(dims) }, (_, k) => (k * 31) % 256);
    const outputs = await runtime.run(session, { image: { type: 'uint8', dims, data } });
    await runtime.release({ session });
    return { values: floats(outputs['logits']), encoded: encode.mock.calls.length > 0 };
  }

  it('gives the same numbers to the last bit, without the model itself', async () => {
    const first = await logits();
    expect(first.encoded).toBe(true);
    expect(await readdir(cache)).toHaveLength(1);
    expect(await logits()).toEqual({ values: first.values, encoded: false });
  });

  it('is left aside when the file is written anew, also with the same content, and not kept while its times may still be told wrong', async () => {
    await logits();
    await writeFile(file, encoded);
    expect((await logits()).encoded).toBe(true);
    expect(await readdir(cache)).toHaveLength(1);
    await settled();
    expect((await logits()).encoded).toBe(true);
    expect(await readdir(cache)).toHaveLength(2);
    expect((await logits()).encoded).toBe(false);
  });

  it.each([0, 1000, -1])('is replaced when it was cut to %i bytes', async (bytes) => {
    const { values } = await logits();
    const kept = join(cache, (await readdir(cache))[0]!);
    const { size } = await stat(kept);
    await truncate(kept, bytes < 0 ? size + bytes : bytes);
    expect(await logits()).toEqual({ values, encoded: true });
    expect(await logits()).toEqual({ values, encoded: false });
  });

  it('is not needed: where nothing can be written, everything works without', async () => {
    const { values } = await logits();
    vi.stubEnv('LABELSCOPE_CACHE', join(file, 'cache'));
    expect(await logits()).toEqual({ values, encoded: true });
  });

  it('takes the place of the ones that were not used for longest', async () => {
    for (let k = 0; k < 6; k++) {
      const other = join(folder, `model-${k}.onnx`);
      await writeFile(other, encoded);
    }
    await wait(2100);
    for (let k = 0; k < 6; k++) await logits(join(folder, `model-${k}.onnx`));
    expect(await readdir(cache)).toHaveLength(4);
    expect((await logits(join(folder, 'model-5.onnx'))).encoded).toBe(false);
    expect((await logits(join(folder, 'model-0.onnx'))).encoded).toBe(true);
  });
});
