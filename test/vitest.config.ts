import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

/** Tests of one kind: `unit` is pure, `cli` starts the built program, `host` needs root and a kernel, `guest` starts QEMU, `vagrant` starts Vagrant, `rig` a machine with a full kernel, `long` waits for minutes, `images` boots Debian. */
const project = (name: string, options: Record<string, unknown> = {}) => ({
  test: { name, root, include: [`test/${name}/**/*.test.ts`], ...options },
});

export default defineConfig({
  test: {
    root,
    // Tests on a throw-away host mostly wait: two at once take half the time on two cores.
    maxWorkers: 2,
    globalSetup: ['test/support/leaks.ts'],
    projects: [
      project('unit', { testTimeout: 60_000 }),
      project('cli', { testTimeout: 60_000 }),
      project('host', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('guest', {
        testTimeout: 240_000,
        hookTimeout: 240_000,
        // Emulated guests want a core each.
        fileParallelism: false,
        sequence: { groupOrder: 1 },
      }),
      // Its own Vagrant, boxes and libvirtd: but each machine is emulated, and a test has several.
      project('vagrant', {
        include: [`test/vagrant/${process.env.VMNET_TEST_VAGRANT === 'all' ? '*' : 'quick'}.test.ts`],
        testTimeout: 600_000,
        hookTimeout: 600_000,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
      ...(process.env.VMNET_TEST_IMAGES
        ? [
            project('images', {
              testTimeout: 900_000,
              hookTimeout: 900_000,
              fileParallelism: false,
              sequence: { groupOrder: 3 },
            }),
          ]
        : []),
      // One machine, emulated, on which things happen in turn.
      ...(process.env.VMNET_TEST_RIG
        ? [project('rig', { testTimeout: 3_600_000, hookTimeout: 1_800_000, fileParallelism: false })]
        : []),
      ...(process.env.VMNET_TEST_LONG ? [project('long', { testTimeout: 900_000 })] : []),
    ],
  },
});
