// Three projects of one runner: `unit` mirrors the rooms of src; `reference` compares with the numbers of independent programs; `e2e` uses the
// extension in VS Code as a person does.
import { defineConfig } from 'vitest/config';
import { forVitest } from '../assemblyscript.mjs';

/** The folder in which each run of the tests leaves its counts for the continuous integration. */
const reports = process.env.LABELSCOPE_TEST_REPORTS;

export default defineConfig({
  plugins: [forVitest],
  test: {
    // Processes, not threads: ONNX Runtime and sharp are native and are not loaded into several threads of one process.
    pool: 'forks',
    maxWorkers: 2,
    // Where tests load ONNX Runtime themselves: see src/engine/runtime/runtime.ts.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    globalSetup: ['test/cache.ts'],
    // Its gradients come as modules that Node.js would not take for such.
    server: { deps: { inline: [/@tensorflow\/tfjs-core\/dist\/(register_all_gradients|gradients|ops)/] } },
    reporters: reports ? ['default', ['json', { outputFile: `${reports}/${process.pid}.json` }]] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/reference/**'],
          testTimeout: 60_000,
          // Many train a small model first.
          hookTimeout: 60_000,
        },
      },
      // A real VS Code in a real browser: one after the other, each with a server of its own.
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      { extends: true, test: { name: 'reference', include: ['test/reference/**/*.test.ts'], testTimeout: 600_000 } },
    ],
  },
});
