import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

/** Tests of one kind: `unit` is pure, `cli` starts the built program, `host` needs root and a kernel, `guest` starts QEMU, `vagrant` starts Vagrant, `long` waits for minutes. */
const project = (name: string, options: Record<string, unknown> = {}) => ({
  test: { name, root, include: [`test/${name}/**/*.test.ts`], ...options },
});

export default defineConfig({
  test: {
    root,
    globalSetup: ['test/support/leaks.ts'],
    projects: [
      project('unit'),
      project('cli', { testTimeout: 60_000 }),
      project('host', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('guest', { testTimeout: 240_000, hookTimeout: 240_000, fileParallelism: false }),
      // Its own Vagrant, boxes and libvirtd: but each machine is emulated, and a test has several.
      project('vagrant', {
        include: [`test/vagrant/${process.env.VMNET_TEST_VAGRANT === 'all' ? '*' : 'quick'}.test.ts`],
        testTimeout: 600_000,
        hookTimeout: 600_000,
        fileParallelism: false,
      }),
      ...(process.env.VMNET_TEST_LONG ? [project('long', { testTimeout: 900_000 })] : []),
    ],
  },
});
