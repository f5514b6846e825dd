import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { makeProcesses, packetSockets, splitArgv } from '../../../src/drivers/processes.js';
import { fieldIn } from '../../../src/process.js';

test('a command line is cut at its NULs, and empty words count', () => {
  expect(splitArgv('dhclient\0-e\0\0eth0\0')).toEqual(['dhclient', '-e', '', 'eth0']);
  expect(splitArgv('dhcpcd: eth0 [ip4]\0p4]')).toEqual(['dhcpcd: eth0 [ip4]', 'p4]']);
});

test('fields of a stat are counted behind a name that may hold anything', () => {
  const stat = '77 (a) T (9 9) S 1 76 75 0 -1';
  expect([fieldIn(stat, 3), fieldIn(stat, 6)]).toEqual(['S', '75']);
});

test('interfaces that are listened to', () => {
  const text = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
00000000c25838dc 3      2    0800   4     1 0      0      1351608
00000000c25838dd 3      3    0003   0     1 0      0      1351609
`;
  expect(packetSockets(text)).toEqual([4]);
  expect(packetSockets('')).toEqual([]);
});

describe('programs that go on without us', () => {
  const processes = makeProcesses(
    () => {},
    async () => false,
  );

  test('are started in a session of their own, heard, frozen, and ended', async () => {
    const seconds = String(60 + Math.random());
    const started = await processes.start(['sh', '-c', `echo here; exec sleep ${seconds}`]);
    const own = async () => {
      for (let i = 0; i < 200; i++) {
        const found = (await processes.named(['sleep'])).filter(({ argv }) => argv[1] === seconds);
        if (found.length > 0) return found;
        await new Promise(resolve => setTimeout(resolve, 10));
      }
      return [];
    };
    const found = await own();
    try {
      expect(started.output()).toBe('here\n');
      expect(found).toMatchObject([{ comm: 'sleep', argv: ['sleep', seconds], frozen: false }]);
      expect(found[0]?.session).toBe(found[0]?.pid);
      await processes.freeze(found, true);
      expect((await own())[0]?.frozen).toBe(true);
      await processes.freeze(found, false);
    } finally {
      await processes.end(found);
    }
    expect((await processes.named(['sleep'])).filter(({ argv }) => argv[1] === seconds)).toEqual([]);
    expect(started.exitCode()).toBe(-1);
  });

  test('leave nothing open with us when they are forgotten, and what they said until then is kept', async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const started = await processes.start(['sh', '-c', 'echo here']);
    for (let i = 0; i < 500 && started.exitCode() === null; i++) await new Promise(r => setTimeout(r, 10));
    started.forget();
    started.forget();
    expect([started.output(), open()]).toEqual(['here\n', before]);
  });

  test('say so where they cannot be started', async () => {
    const started = await processes.start(['/nonexistent/client', 'eth0']);
    for (let i = 0; i < 100 && started.exitCode() === null; i++) await new Promise(r => setTimeout(r, 10));
    expect(started.exitCode()).toBe(-1);
    expect(started.output()).toContain('ENOENT');
  });
});
