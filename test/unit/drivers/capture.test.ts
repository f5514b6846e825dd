import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeCaptures } from '../../../src/drivers/capture.js';

// Programs that are missing or broken, by a PATH of our own: a proof goes on without a capture.

let folder: string;
const path = process.env.PATH;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capture-'));
  process.env.PATH = folder;
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

const start = () => makeCaptures(() => {}).start();

/** A tcpdump that does nothing but complain. */
function tcpdump(complaint: string) {
  symlinkSync('/usr/bin/setpriv', join(folder, 'setpriv'));
  writeFileSync(join(folder, 'tcpdump'), `#!/bin/sh\necho "tcpdump: ${complaint}" >&2\nexit 1\n`);
  chmodSync(join(folder, 'tcpdump'), 0o755);
}

test('without tcpdump there is a reason, and what to install', async () => {
  symlinkSync('/usr/bin/setpriv', join(folder, 'setpriv'));
  expect(await start()).toEqual({ reason: 'tcpdump is not installed: apt-get install tcpdump' });
});

test('without setpriv there is a reason too', async () => {
  expect(await start()).toEqual({
    reason: expect.stringContaining('setpriv (util-linux) cannot be started'),
  });
});

test('a tcpdump that cannot do it is quoted', async () => {
  tcpdump('LINUX_SLL2 is not one of the DLTs supported by this device');
  expect(await start()).toEqual({
    reason: 'tcpdump: LINUX_SLL2 is not one of the DLTs supported by this device',
  });
});

test('one that may not is a matter of permission', async () => {
  tcpdump("any: You don't have permission to capture on that device");
  await expect(start()).rejects.toMatchObject({ code: 'permission' });
});
