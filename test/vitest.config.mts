// Two projects of one runner: `unit` mirrors the rooms of src; `reference` compares with the numbers of independent programs.
import { defineConfig } from 'vitest/config';

/** Where counts are written for the continuous integration. */
const report = process.env.LABELSCOPE_TEST_REPORT;

export default defineConfig({
  test: {
    // Processes, not threads: ONNX Runtime and sharp are native and are not loaded into several threads of one process.
    pool: 'forks',
    maxWorkers: 2,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/reference/**'], testTimeout: 60_000 },
      },
      { extends: true, test: { name: 'reference', include: ['test/reference/**/*.test.ts'], testTimeout: 600_000 } },
    ],
  },
});
