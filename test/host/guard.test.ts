import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// Whoever moves an uplink is watched: by a guard, by peers, by a person, and by signals.

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const WORDS = '/run/vmnet-state/labs/watched/pending.log';

let box: Box;
let file: string;
let before: Snapshot;

const lab = (bridge: object = {}, name = 'lab.json') =>
  box.lab(
    {
      name: 'watched',
      bridges: { br0: { uplink: 'eth0', ...bridge } },
      vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
    },
    name,
  );

beforeAll(async () => {
  box = await Box.up();
  file = await lab();
  before = await box.snapshot();
});

afterAll(() => box?.down());

/** Wait until a shell's condition holds inside; a minute at most. */
const until = (condition: string) =>
  box.run('sh', '-c', `n=0; until ${condition}; do n=$((n+1)); [ $n -lt 1200 ] || exit 1; sleep 0.05; done`);

const said = (word: string) => `grep -q '^${word}' ${WORDS} 2>/dev/null`;
const MOVED = 'ip -br link show master br0 2>/dev/null | grep -q eth0';

async function untilRestored(): Promise<string[]> {
  let left = ['not looked'];
  for (let tries = 0; tries < 200 && left.length > 0; tries++) {
    left = await box.differenceFrom(before);
    if (left.length > 0) await sleep(100);
  }
  return left;
}

/** Start vmnet, and do something to its process (`$pid`) once a condition holds; returns its exit code and words. */
async function disturbed(condition: string, act: string, ...words: string[]) {
  const script = `"$@" & pid=$!
n=0; until ${condition}; do kill -0 $pid || break; n=$((n+1)); [ $n -lt 6000 ] || break; sleep 0.01; done
${act}; wait $pid; echo "exit $?"`;
  const command = [process.execPath, CLI, 'provision', '--yes', ...words];
  const { stdout, stderr } = await box.attempt('host', 'sh', '-c', script, 'sh', ...command);
  return { code: Number(/exit (\d+)/.exec(stdout)?.[1]), stderr };
}

describe('a provision that has to be confirmed', () => {
  const provision = (...more: string[]) => box.vmnet('provision', '--network-only', ...more, file);

  it('is undone where nobody does', async () => {
    const answer = await provision('--confirm', '5');
    expect([answer.code, answer.json.error.code]).toEqual([1, 'timeout']);
    expect(answer.json.error.message).toBe('the move of eth0 to br0 was not confirmed within 5 seconds');
    expect(answer.json.error.hint).toContain('the host was looked at again and is as it was');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('goes on where somebody does, from another shell', async () => {
    const run = provision('--confirm', '60');
    await until(said('asked'));
    const confirmed = await box.vmnet('confirm', 'watched');
    expect([confirmed.code, confirmed.json.error]).toEqual([0, null]);
    expect((await run).json).toMatchObject({ ok: true, changed: 3 });
    expect((await box.vmnet('destroy', 'watched')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('tells people without a terminal what to run', async () => {
    const run = box.vmnetText('provision', '--network-only', '--confirm', '60', file);
    await until(said('asked'));
    await box.vmnet('confirm', 'watched');
    const { code, stdout } = await run;
    expect(code).toBe(0);
    expect(stdout).toContain('To keep the move of eth0 to br0, run this within 60 s');
    expect(stdout).toContain('vmnet confirm watched');
    expect((await box.vmnet('destroy', 'watched')).code).toBe(0);
  });

  it('is undone by its guard where it is killed while it waits', async () => {
    const end = await disturbed(said('asked'), 'kill -9 $pid', '--network-only', '--confirm', '600', file);
    expect(end.code).toBe(137);
    expect(await untilRestored()).toEqual([]);
  });

  it('is nothing that there is to confirm otherwise', async () => {
    const answer = await box.vmnet('confirm', 'watched');
    expect([answer.code, answer.json.error.message]).toEqual([
      2,
      'no run of the lab watched waits for a confirmation',
    ]);
  });
});

describe('a run that stands still after the move', () => {
  it('is ended and undone by its guard', async () => {
    const end = await disturbed(MOVED, 'kill -STOP $pid', '--network-only', '--rollback-after', '10', file);
    expect(end.code).toBe(137);
    expect(await untilRestored()).toEqual([]);
  });
});

describe('peers', () => {
  it('that do not answer before keep the uplink where it is', async () => {
    const answer = await box.vmnet(
      'provision',
      '--network-only',
      await lab({ peers: ['192.0.2.1', '192.0.2.99', 'fd00:db8::99'] }),
    );
    expect([answer.code, answer.json.error.code]).toEqual([1, 'conflict']);
    expect(answer.json.error.message).toMatch(
      /the peer 192\.0\.2\.99 does not answer through eth0; the peer fd00:db8::99 does/,
    );
    expect(answer.json.error.message).not.toContain('192.0.2.1 ');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('that do not answer after are named, and the move is undone, although the gateway is there', async () => {
    await box.lan('ip', 'addr', 'add', '192.0.2.77/24', 'dev', 'lan0');
    // What comes from there is lost on a bridge only: the NIC itself hears it.
    const deaf = 'chain bridge cut in { type filter hook prerouting priority 0; }';
    const rules = ['ip saddr', 'arp saddr ip'].map(
      match => `add rule bridge cut in ${match} 192.0.2.77 drop`,
    );
    await box.run('nft', ['add table bridge cut', `add ${deaf}`, ...rules].join('\n'));
    const answer = await box.vmnet('provision', '--network-only', await lab({ peers: ['192.0.2.77'] }));
    expect([answer.code, answer.json.error.code]).toEqual([1, 'timeout']);
    expect(answer.json.error.message).toContain('no longer reaches 192.0.2.77 through br0, which');
    await box.run('nft', 'delete', 'table', 'bridge', 'cut');
    await box.lan('ip', 'addr', 'del', '192.0.2.77/24', 'dev', 'lan0');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('are found again through the bridge', async () => {
    const peers = ['192.0.2.1', 'fd00:db8::1'];
    expect((await box.vmnet('provision', '--network-only', await lab({ peers }))).code).toBe(0);
    expect((await box.vmnet('destroy', 'watched')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a signal', () => {
  it.each([
    ['INT', 'while the bridge is made', 'ip -br link show br0 2>/dev/null | grep -q br0', ['--network-only']],
    ['HUP', 'in the move', MOVED, ['--network-only']],
    ['TERM', 'while somebody is asked', said('asked'), ['--network-only', '--confirm', '600']],
    ['INT', 'while taps are made', 'ip -br link show master br0 2>/dev/null | grep -q ^a-', []],
    ['HUP', 'while a guest boots', 'ls /run/vmnet-state/consoles/watched/a.log', []],
  ])('SIG%s %s: exit 130, and the host is as before', async (signal, _, condition, flags) => {
    const end = await disturbed(`${condition} 2>/dev/null >&2`, `kill -${signal} $pid`, ...flags, file);
    expect([end.code, end.stderr]).toEqual([130, expect.stringContaining('putting the host back')]);
    expect(await untilRestored()).toEqual([]);
  });

  it('a second time says how to recover, by the name of the lab', async () => {
    const twice = 'kill -TERM $pid; kill -INT $pid';
    const end = await disturbed(said('asked'), twice, '--network-only', '--confirm', '600', file);
    expect(end.code).toBe(130);
    expect(end.stderr).toContain('finish with: vmnet recover watched');
    expect(await untilRestored()).toEqual([]);
  });
});
