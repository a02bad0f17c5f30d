// Whether the blocked form can be used here at all: the version of ONNX Runtime, the processor, the size of its blocks.
import { blockIn, blockProbe } from '../../onnx/block-size';
import { encodeModel } from '../../onnx/encode';
import type { Runtime } from '../runtime/runtime';
import { onnxRuntimeVersion } from '../runtime/installed';

/** The operators are internal to ONNX Runtime and may change: with other versions the form stays plain. */
const CHECKED_VERSIONS = ['1.30.0'];
/** 8 with AVX2, 16 with AVX-512. */
const CHECKED_BLOCKS = [8, 16];
const CHECKED_ARCHITECTURE = 'x64';

export interface Blocks {
  /** Channels in a block, as ONNX Runtime answers; undefined where it has no blocked layout or was not asked. */
  readonly block: number | undefined;
  /** Why the blocked form is not used, in words; undefined where it was checked on such a machine. */
  readonly against: string | undefined;
}

export async function blocksHere(runtime: Runtime): Promise<Blocks> {
  const version = onnxRuntimeVersion();
  if (!CHECKED_VERSIONS.includes(version)) {
    return { block: undefined, against: `the blocked form was never checked with ONNX Runtime ${version}.` };
  }
  if (process.arch !== CHECKED_ARCHITECTURE) {
    return { block: undefined, against: `the blocked form was never checked on ${process.arch} processors.` };
  }
  const block = await askBlock(runtime);
  if (block === undefined) return { block, against: 'ONNX Runtime has no blocked layout for this processor.' };
  if (CHECKED_BLOCKS.includes(block)) return { block, against: undefined };
  return { block: undefined, against: `the blocked form was never checked with blocks of ${block} channels.` };
}

async function askBlock(runtime: Runtime): Promise<number | undefined> {
  const { model, feeds } = blockProbe();
  try {
    const session = await runtime.load(encodeModel(model), { device: 'cpu', threads: 1 });
    const answer = await runtime.run(session, feeds);
    await runtime.release({ session });
    return blockIn(answer);
  } catch {
    // Where there is no such operator, the session cannot be made.
    return undefined;
  }
}
