// Loaded into the engine's process before it (NODE_OPTIONS=--require): counts what it does to files, and at one of them kills the process or lets
// the disk be full. What happens then is the system's doing: a real SIGKILL, and a real file as far as it had been written.
const { isMainThread } = require('node:worker_threads');

const fault = JSON.parse(process.env.LABELSCOPE_FAULT ?? 'null');
if (fault && isMainThread && !process.argv.includes('--probe')) inject(fault);

/**
 * kill: { operation, how: 'before' | 'half' | 'after' }; full: { from }: every write from this one on fails as on a full disk; clock: milliseconds that the
 * clock jumps by after two seconds; count: the file that takes, at the end, how many operations there were.
 */
function inject({ kill, full, clock, count }) {
  const promises = require('node:fs/promises');
  let operations = 0;
  const die = () => process.kill(process.pid, 'SIGKILL');
  const around = (owner, name, half) => {
    const original = owner[name];
    owner[name] = async function (...args) {
      const operation = ++operations;
      if (full && half && operation >= full.from) {
        await half.call(this, original, args);
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
          code: 'ENOSPC',
          errno: -28,
          syscall: 'write',
        });
      }
      if (operation !== kill?.operation) return original.apply(this, args);
      if (kill.how === 'before') die();
      if (kill.how === 'half' && half) {
        await half.call(this, original, args);
        die();
      }
      const result = await original.apply(this, args);
      die();
      return result;
    };
  };
  /** Writes the first half of what was to be written. */
  const halfOf = (at) =>
    function (original, args) {
      const data = Buffer.from(args[at]);
      return original.apply(this, [...args.slice(0, at), data.subarray(0, data.length >> 1), ...args.slice(at + 1)]);
    };
  for (const name of ['rename', 'rm', 'mkdir']) around(promises, name);
  around(promises, 'appendFile', halfOf(1));
  const handleOf = async () => {
    const handle = await promises.open(__filename, 'r');
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    return prototype;
  };
  void handleOf().then((prototype) => {
    around(prototype, 'writeFile', halfOf(0));
    around(prototype, 'sync');
  });
  if (clock) {
    const now = Date.now;
    setTimeout(() => (Date.now = () => now() + clock), 2000).unref();
  }
  if (count) process.on('exit', () => require('node:fs').writeFileSync(count, String(operations)));
}
