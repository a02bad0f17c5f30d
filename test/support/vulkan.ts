// Where ONNX Runtime's WebGPU provider finds a device on this machine: the machine's own driver, or Vulkan in software.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '../../src/onnx/builder';
import { encodeModel } from '../../src/onnx/encode';
import type { Model } from '../../src/onnx/model';

type Environment = Readonly<Record<string, string>>;

/** Debian's package `chromium` has a software driver, SwiftShader, and beside it the Vulkan loader that finds the driver. */
const CHROMIUM = '/usr/lib/chromium';
const SWIFTSHADER = join(CHROMIUM, 'vk_swiftshader_icd.json');

/** Reads a model from stdin and creates a session in which no node may fall back to the CPU. */
const STRICT_SESSION = `
  const { InferenceSession } = require('onnxruntime-node');
  const options = { executionProviders: ['webgpu'], logSeverityLevel: 4, extra: { session: { disable_cpu_ep_fallback: '1' } } };
  InferenceSession.create(require('node:fs').readFileSync(0), options)
    .then((session) => session.release())
    .catch((error) => { console.error(error.message); process.exitCode = 1; });
`;

/** Undefined where the WebGPU provider takes every node of the model; else its words, or what became of its process. */
export function refusalOfWebgpu(model: Model, environment: Environment): string | undefined {
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', STRICT_SESSION], {
    input: encodeModel(model),
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return status === 0 ? undefined : stderr.trim() || `the process ended with ${signal ?? status}`;
}

/** As the environment stands (VK_ICD_FILENAMES, the system's drivers, Direct3D, Metal), then in software. */
function candidates(): Environment[] {
  const libraries = [CHROMIUM, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return [{}, ...(existsSync(SWIFTSHADER) ? [{ VK_ICD_FILENAMES: SWIFTSHADER, LD_LIBRARY_PATH: libraries }] : [])];
}

function smallest(): Model {
  const builder = new GraphBuilder();
  builder.output(builder.op('Relu', [builder.input('x', 'float32', [4])]), 'y');
  return { irVersion: 10, opsets: { '': builder.opset }, producer: 'test', graph: builder.build('smallest'), metadata: {} };
}

/** What a child process's environment needs to have a WebGPU device; undefined where this machine has none. */
export const WEBGPU = candidates().find((environment) => refusalOfWebgpu(smallest(), environment) === undefined);

/** '' where there is a device; else what a skipped title says. */
export const NO_WEBGPU = WEBGPU
  ? ''
  : ' (skipped: no WebGPU device here; a graphics driver or the package chromium of Debian has one)';
