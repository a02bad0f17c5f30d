// How much memory something holds, without what waits to be collected.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const FEW = 5000;
const MANY = 105_000;

/** Bytes that each further item takes: the difference between many items and few, so that nothing else counts. */
export function bytesAnItem(make: (count: number) => unknown): number {
  return (bytesOf(() => make(MANY)) - bytesOf(() => make(FEW))) / (MANY - FEW);
}

function bytesOf(make: () => unknown): number {
  const before = bytesNow();
  const held = [make()];
  const bytes = bytesNow() - before;
  held.pop();
  return bytes;
}

/** The heap of JavaScript and what lies beside it, buffers among them. */
function bytesNow(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Twice: what the first one finds to be unused, such as buffers, is given back by the second one. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
}
