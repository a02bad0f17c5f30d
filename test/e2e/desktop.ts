// `npm run test:desktop`: the suite of the extension host in a desktop's VS Code, the oldest that is supported or LABELSCOPE_VSCODE=newest.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runTests } from '@vscode/test-electron';

const ROOT = resolve(__dirname, '..', '..');
const VERSIONS: Readonly<Record<string, string>> = { oldest: '1.100.3', newest: 'stable' };

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'labelscope-suite-'));
  try {
    return await runTests({
      version: VERSIONS[process.env.LABELSCOPE_VSCODE ?? 'oldest'] ?? process.env.LABELSCOPE_VSCODE!,
      cachePath: join(ROOT, 'node_modules', '.cache', 'labelscope', 'desktop'),
      extensionDevelopmentPath: ROOT,
      extensionTestsPath: join(ROOT, 'dist', 'e2e', 'suite.js'),
      launchArgs: [folder, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome', '--skip-release-notes'],
    });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `The suite did not run: ${reason}\nThe desktop's VS Code is downloaded from its maker: this needs a network.\n`,
    );
    process.exitCode = 1;
  },
);
