// `npm run code [FOLDER]`: VS Code with the extension on the sample workspace: the desktop's where there is one, else in the browser.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasDesktopCode } from './desktop';
import { EDITORS, installEditor } from './install';
import { startServer } from './server';

const root = join(__dirname, '..');

async function main([given]: readonly string[]): Promise<void> {
  const folder = resolve(given ?? join(root, 'sample'));
  if (!existsSync(folder)) {
    if (given !== undefined) throw new Error(`There is no folder ${folder}.`);
    mkdirSync(folder, { recursive: true });
  }
  if (hasDesktopCode()) {
    spawn('code', [`--extensionDevelopmentPath=${root}`, folder], { stdio: 'inherit', shell: process.platform === 'win32' });
    return;
  }
  const server = await startServer(installEditor('oldest', say), join(EDITORS, 'code-data'));
  say(`Open this address in a browser: ${server.address(folder, { extension: root })}\nCtrl-C ends it.`);
  process.once('SIGINT', () => void server.stop());
  process.once('SIGTERM', () => void server.stop());
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
