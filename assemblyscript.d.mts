// Types of assemblyscript.mjs, which Node.js runs as it is.
import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vitest/config';

export const forEsbuild: EsbuildPlugin;
export const forVitest: VitePlugin;
