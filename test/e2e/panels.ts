// The study of panels, for `npm run bench -- load panels`: so many are opened and closed in a browser-served VS Code.
import { BROWSER } from './person';
import { runSuite } from './run-suite';

async function main([cycles = '1000']: string[]): Promise<void> {
  if (BROWSER === undefined) throw new Error('No Chromium or Chrome was found. Install one.');
  process.env.LABELSCOPE_PANEL_CYCLES = cycles;
  const { code, complaints } = await runSuite((line) => void process.stdout.write(`${line.slice(2)}\n`));
  for (const complaint of complaints) process.stdout.write(`complaint: ${complaint}\n`);
  process.exitCode = code === 0 && complaints.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
