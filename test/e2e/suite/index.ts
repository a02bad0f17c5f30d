// The tests that run inside an extension host: of the desktop's VS Code and of the browser-served one alike.
import { format } from 'node:util';
import Mocha from 'mocha';

/** Tells these lines from those that VS Code prints between them. */
const MARK = '│';

const panels = () => import('./panels');
const OTHERS = [
  () => import('./activation'),
  () => import('./workflow'),
  () => import('./diagnostics'),
  () => import('./problems'),
];

/** What VS Code calls. Its promise rejects where a test failed, which ends VS Code with an exit code other than 0. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', reporter: 'spec', color: false, timeout: 180_000 });
  Mocha.reporters.Base.consoleLog = (...words: unknown[]) => console.log(lines(format(...words)));
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  // Only now do `describe` and `it` belong to this Mocha.
  for (const load of process.env.LABELSCOPE_PANEL_CYCLES === undefined ? [...OTHERS, panels] : [panels]) await load();
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} of the tests in VS Code failed.`);
}

function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => `${MARK} ${line}`)
    .join('\n');
}
