// Why TensorFlow.js computes on the CPU though its package is for graphics cards: from what its library prints while it is loaded.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { EngineDescription } from '../../../protocol/messages';

/** TensorFlow's own variables: it names the libraries that it cannot open, and why there is no driver, only when asked for. */
export const OUTSPOKEN = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1,cuda_diagnostics=1' };

const ABOUT_CARDS = /libcu|cuda|cudnn|dlopen|nvidia|kernel driver/i;
/** What it says on every machine, or of libraries that it does not need. */
const HARMLESS = /Unable to register|Successfully opened|TensorRT|nvinfer/;

/** Of a line: time, file and number, then the words. */
const LINE = /^[^\]]*\.(?:cc|h):\d+\] (.*)$/;
const MOST = 1200;

/**
 * @param said what it printed
 * @returns reason and remedy, in words; undefined where there is nothing to explain
 */
export async function hindranceOf(found: EngineDescription, said: string): Promise<string | undefined> {
  if (found.gpu || !found.package.startsWith('@tensorflow/tfjs-node-gpu ')) return undefined;
  // A later version of the same number does, too.
  const needed = (found.cuda ?? 'CUDA 12 and cuDNN 9').replace(/(\d+)\.\d+/g, '$1');
  return [
    reasonsIn(said).slice(0, MOST) || 'TensorFlow gives no reason.',
    await driver(),
    `It needs an NVIDIA driver, and ${needed} on the library path (LD_LIBRARY_PATH): install what is missing.`,
  ].join(' ');
}

function reasonsIn(said: string): string {
  const words = said.split('\n').flatMap((line) => LINE.exec(line.trim())?.[1] ?? []);
  const reasons = words.filter((one) => ABOUT_CARDS.test(one) && !HARMLESS.test(one));
  return [...new Set(reasons)].map((one) => `${one.replace(/[.\s]+$/, '')}.`).join(' ');
}

/** What NVIDIA's own program says of card and driver. */
async function driver(): Promise<string> {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return `nvidia-smi names ${stdout.trim().split('\n').join('; ')} (card, driver).`;
  } catch {
    return 'nvidia-smi names no card and no driver.';
  }
}
