import { defineConfig } from 'vitest/config';

/** Cases are files; they run one after another, or they would measure each other. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/bench/**/*.bench.ts'],
    globalSetup: ['test/support/leaks.ts'],
    fileParallelism: false,
    // The longest case starts dozens of emulated guests one after the other.
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
  },
});
