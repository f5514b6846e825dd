import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { arpRequest, ip4, udp } from '../../src/verify/frames.js';
import { UDP } from '../../src/verify/octets.js';
import { Box } from '../support/box.js';
import { Listener, TapEnd } from '../support/tap-end.js';

// Rules on ports from the first provision to destroy: on a running lab, after a crash, and as verify measures them.

let box: Box;
let before: Snapshot;
let open: { close(): Promise<void> }[];

beforeEach(async () => {
  open = [];
  box = await Box.up();
  before = await box.snapshot();
});

afterEach(async () => {
  await Promise.all(open.map(it => it.close()));
  await box?.down();
});

const MAC = (n: number) => `52:54:00:00:00:6${n}`;

/** One VM for each of these, with its tap `t0`, `t1`, … */
const lab = (...keys: object[]) =>
  box.lab({
    name: 'life',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
    vms: Object.fromEntries(
      keys.map((it, n) => [
        `vm${n}`,
        {
          boot: 'probe',
          nics: [{ bridge: 'br0', mac: MAC(n), tap: `t${n}`, address: `192.0.2.6${n}/24`, ...it }],
        },
      ]),
    ),
  });

const provision = async (file: string) => {
  const { json } = await box.vmnet('provision', '--network-only', file);
  expect(json.error).toBeNull();
  return json.changed;
};

async function end(tap: string): Promise<TapEnd> {
  const it = await TapEnd.open(box, tap);
  open.push(it);
  return it;
}

const ruleset = () => box.run('nft', 'list', 'ruleset');
const qdisc = (tap: string) => box.run('tc', 'qdisc', 'show', 'dev', tap);

/** Does this kernel make lines bad? */
async function hasNetem(): Promise<boolean> {
  const words = 'tc qdisc replace dev lo root netem delay 1ms'.split(' ');
  const { code } = await box.attempt('host', ...words);
  if (code === 0) await box.run('tc', 'qdisc', 'del', 'dev', 'lo', 'root');
  return code === 0;
}

const ALL = { antiSpoof: 'ip', guard: ['dhcp', 'ra', 'bpdu'], isolated: true };
const RATES = { bandwidth: { in: '8mbit', out: '4mbit' } };

describe('on a running lab', () => {
  it('rules come, change and go without a restart; a second run changes nothing; destroy leaves nothing', async () => {
    const plain = await lab({}, {});
    await provision(plain);
    const guest = await end('t0');
    expect(await ruleset()).toBe('');
    const ruled = await lab({ ...ALL, ...RATES }, { isolated: true });
    expect(await provision(ruled)).toBeGreaterThan(0);
    expect(await provision(ruled)).toBe(0);
    expect(await ruleset()).toContain('table bridge vmnet.life');
    expect(await qdisc('t0')).toContain('tbf');
    expect(await qdisc('t1')).not.toContain('tbf');
    const other = await lab({ antiSpoof: 'mac', bandwidth: { in: '2mbit' } }, {});
    expect(await provision(other)).toBeGreaterThan(0);
    expect(await provision(other)).toBe(0);
    expect(await qdisc('t0')).toContain('rate 2Mbit');
    // The guest's end was there all along.
    guest.send(arpRequest({ mac: MAC(0), ip: '192.0.2.60' }, '192.0.2.1'));
    await guest.port.until('an answer', () => guest.heard(Buffer.from([192, 0, 2, 1])) > 0);
    expect(await provision(await lab({}, {}))).toBeGreaterThan(0);
    expect(await ruleset()).toBe('');
    expect(await qdisc('t0')).not.toContain('tbf');
    await provision(ruled);
    expect((await box.vmnet('destroy', 'life')).json.error).toBeNull();
    await guest.close();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('what somebody took away is put back', async () => {
    const file = await lab({ ...ALL, ...RATES });
    await provision(file);
    await box.run('nft', 'delete', 'table', 'bridge', 'vmnet.life');
    await box.run('tc', 'qdisc', 'del', 'dev', 't0', 'root');
    await box.run('ip', 'link', 'set', 'dev', 't0', 'type', 'bridge_slave', 'isolated', 'off');
    expect(await provision(file)).toBe(3);
    expect(await provision(file)).toBe(0);
    expect(await box.run('ip', '-d', 'link', 'show', 'dev', 't0')).toContain('isolated on');
  });

  it('a queue that is not ours is in the way, and stays', async () => {
    await provision(await lab({}));
    await box.run(
      'tc',
      'qdisc',
      'add',
      'dev',
      't0',
      'root',
      'handle',
      '1:',
      'tbf',
      ...'rate 1mbit burst 16384 latency 50ms'.split(' '),
    );
    const refused = await box.vmnet('provision', '--network-only', await lab(RATES));
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.message).toContain('tbf 1:');
    expect(await qdisc('t0')).toContain('tbf 1:');
  });

  it('netem that this kernel lacks is told before anything is changed', async () => {
    const has = await hasNetem();
    const file = await lab({ impair: { delay: '20ms', loss: '1%' }, bandwidth: { in: '8mbit' } });
    const { json } = await box.vmnet('provision', '--network-only', file);
    if (has) {
      expect(json.error).toBeNull();
      expect(await qdisc('t0')).toMatch(/netem[\s\S]*tbf/);
      expect(await provision(file)).toBe(0);
      return;
    }
    expect(json.error).toMatchObject({ code: 'bad-lab' });
    expect(json.error.message).toContain('netem');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('a change that is refused leaves rules and queues as they are', async () => {
    const first = await lab({ ...ALL, ...RATES });
    await provision(first);
    const [rules, queue] = [await ruleset(), await qdisc('t0')];
    // The second VM's tap cannot be made: its name is somebody else's.
    await box.run('ip', 'link', 'add', 'name', 'x0', 'type', 'veth', 'peer', 'name', 'x1');
    const second = await lab({ antiSpoof: 'mac', bandwidth: { in: '1mbit' } }, { mtu: 1500, tap: 'x1' });
    expect((await box.vmnet('provision', '--network-only', second)).json.error.code).toBe('conflict');
    await box.run('ip', 'link', 'del', 'dev', 'x0');
    expect([await ruleset(), await qdisc('t0')]).toEqual([rules, queue]);
  });
});

describe('vmnet impair', () => {
  const words = ['impair', 'life/vm0', '--delay', '20ms', '--loss', '1%'];

  it('makes the line to a running guest bad, once, and good again; the next provision asks the lab file', async () => {
    const file = await lab(RATES, {});
    await provision(file);
    const [found, other] = [await qdisc('t0'), await qdisc('t1')];
    const host = await box.snapshot();
    const { code, json } = await box.vmnet(...words);
    if (!(await hasNetem())) {
      expect([code, json.error.code]).toEqual([2, 'bad-lab']);
      expect(json.error.message).toMatch(/vm0.*netem|netem.*vm0/);
      expect(json.error.hint).not.toMatch(/lab file/);
      expect(await box.differenceFrom(host)).toEqual([]);
      expect(await qdisc('t0')).toBe(found);
    } else {
      expect([code, json.error, json.changed]).toEqual([0, null, 1]);
      expect(await qdisc('t0')).toMatch(/netem[\s\S]*delay 20ms[\s\S]*loss 1%[\s\S]*tbf/);
      expect(await qdisc('t1')).toBe(other);
      expect((await box.vmnet(...words)).json.changed).toBe(0);
      expect((await box.vmnet('impair', 'vm0:0', '--clear')).json.error).toBeNull();
      expect(await qdisc('t0')).toBe(found);
      await box.vmnet(...words);
      expect(await provision(file)).toBe(1);
      expect(await qdisc('t0')).toBe(found);
    }
    // A line that is good already stays as it is.
    expect((await box.vmnet('impair', 'vm1', '--clear')).json).toMatchObject({ error: null, changed: 0 });
    expect(await provision(file)).toBe(0);
    expect((await box.vmnet('destroy', 'life')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it.each([
    [['vm0:7', '--delay', '1ms'], 'vm0 has no NIC 7'],
    [['vm9', '--delay', '1ms'], 'vm9'],
    [['vm0'], 'impair takes how the line is to be'],
    [['vm0', '--clear', '--delay', '1ms'], '--clear goes with nothing else'],
    [['vm0', '--loss', '101%'], '--loss: "101%"'],
    [['vm0', '--jitter', '1ms'], '--jitter'],
  ])('%j is refused: %s', async (args, message) => {
    await provision(await lab({}));
    const { code, json } = await box.vmnet('impair', ...args);
    expect([code, json.error.code]).toEqual([2, 'usage']);
    expect(json.error.message).toContain(message);
  });
});

describe('killed', () => {
  it.each(['nft', 'tc', 'ip'])('right after its batch of %s: all is as it was', async program => {
    const plain = await lab({});
    await provision(plain);
    const [rules, queue] = [await ruleset(), await qdisc('t0')];
    const ruled = await lab({ ...ALL, ...RATES });
    // A stand-in that does the work, then kills the vmnet that asked for it.
    const folder = `${box.folder}/bin-${program}`;
    await box.run('mkdir', '-p', folder);
    const real = (await box.run('sh', '-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`)).trim();
    const script = `#!/bin/sh\\ncase "$*" in *batches*) ${real} "$@"; kill -9 $PPID; exit 0;; esac\\nexec ${real} "$@"\\n`;
    await box.run('sh', '-c', `printf '${script}' > ${folder}/${program}; chmod 755 ${folder}/${program}`);
    const path = (await box.run('printenv', 'PATH')).trim();
    const ended = await box.killed({ PATH: `${folder}:${path}` }, 'provision', '--network-only', ruled);
    expect([ended.stdout, ended.code === 0]).toEqual(['', false]);
    const { json } = await box.vmnet('recover');
    expect([json.error, json.recovered]).toEqual([null, { life: 'undone' }]);
    expect([await ruleset(), await qdisc('t0')]).toEqual([rules, queue]);
    expect(await box.run('ip', '-d', 'link', 'show', 'dev', 't0')).toContain('isolated off');
    expect((await box.vmnet('destroy', 'life')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('verify', () => {
  const checks = async () => {
    const { json } = await box.vmnet('verify', '--timeout', '1', 'life');
    const found = json.checks.filter(({ name }: { name: string }) => ['rules', 'anti-spoof'].includes(name));
    return found.map(({ name, vm, verdict, reason, evidence }: Record<string, unknown>) => ({
      name,
      vm,
      verdict,
      reason,
      evidence,
    }));
  };

  it('sends forged frames: they are dropped and counted, and status shows them', async () => {
    await provision(await lab(ALL, { antiSpoof: 'mac' }, { guard: ['ra'] }, {}, { isolated: true }));
    for (const tap of ['t0', 't1', 't2', 't3']) await end(tap);
    const found = await checks();
    expect(found.map(({ evidence, ...it }: Record<string, unknown>) => it)).toEqual([
      ...['vm0', 'vm1', 'vm2', 'vm4'].map(vm => ({ name: 'rules', vm, verdict: 'ok', reason: null })),
      ...['vm0', 'vm1', 'vm2'].map(vm => ({ name: 'anti-spoof', vm, verdict: 'ok', reason: null })),
    ]);
    expect(found[4].evidence).toEqual({
      forged: { sent: 9, arrived: 9, passed: 0 },
      honest: { sent: 2, arrived: 2, passed: 2 },
      leaked: 0,
      dropped: { hidden: 1, mac: 1, arp: 1, nd: 1, ip: 1, protocol: 1, dhcp: 1, ra: 1, bpdu: 1 },
      uncounted: [],
    });
    const { json } = await box.vmnet('status', 'life');
    expect(json.vms[0].nics[0].dropped).toMatchObject({ mac: 1, arp: 1, bpdu: 1 });
    expect(json.vms[3].nics[0].dropped).toEqual({});
    expect((await box.vmnetText('status', 'life')).stdout).toMatch(/hidden 1, mac 1/);
    // Nothing of the measurement stays.
    expect(await box.run('ip', '-br', 'link')).not.toMatch(/^vm[fp]/m);
    expect(await ruleset()).not.toContain('forged');
  });

  it('fails where the rules are gone, or let something through', async () => {
    await provision(await lab(ALL));
    await end('t0');
    await box.run('nft', 'insert', 'rule', 'bridge', 'vmnet.life', 'port', 'ether', 'type', 'arp', 'accept');
    expect(await checks()).toMatchObject([
      { name: 'rules', verdict: 'ok' },
      {
        name: 'anti-spoof',
        verdict: 'failed',
        reason: 'forged-passed',
        evidence: { forged: { passed: 1 }, leaked: 1 },
      },
    ]);
    await box.run('nft', 'delete', 'table', 'bridge', 'vmnet.life');
    await box.run('ip', 'link', 'set', 'dev', 't0', 'type', 'bridge_slave', 'isolated', 'off');
    expect(await checks()).toMatchObject([
      { name: 'rules', verdict: 'failed', reason: 'rules-not-loaded' },
      { name: 'anti-spoof', verdict: 'failed', reason: 'forged-passed' },
    ]);
  });

  it('fails where honest frames are dropped as well', async () => {
    await provision(await lab({ antiSpoof: 'ip' }));
    await end('t0');
    await box.run('nft', 'add', 'rule', 'bridge', 'vmnet.life', 'port', 'drop');
    expect(await checks()).toMatchObject([{}, { verdict: 'failed', reason: 'honest-dropped' }]);
  });

  it('says that nothing can be measured where no guest has the tap', async () => {
    await provision(await lab({ antiSpoof: 'mac' }));
    expect(await checks()).toMatchObject([
      { verdict: 'ok' },
      { verdict: 'unproven', reason: 'not-measured' },
    ]);
  });
});

describe('isolated', () => {
  it('ports reach the LAN and not each other; without it they do', async () => {
    const frame = (from: number, to: number) =>
      ip4(
        { mac: MAC(from), ip: `192.0.2.6${from}` },
        { mac: MAC(to), ip: `192.0.2.6${to}` },
        UDP,
        udp(4000, 4001, Buffer.from(`from ${from} to ${to}`)),
      );
    const said = (from: number, to: number) => `from ${from} to ${to}`;
    await provision(await lab({ isolated: true }, { isolated: true }, {}));
    const ends = [await end('t0'), await end('t1'), await end('t2')] as const;
    const lan = await Listener.on(box, 'lan0');
    open.push(lan);
    const exchange = async () => {
      for (const [from, to] of [
        [0, 1],
        [1, 0],
        [0, 2],
        [2, 0],
      ] as const)
        ends[from].send(frame(from, to));
      await ends[0].port.until('the answer of the free one', () => ends[0].heard(said(2, 0)) > 0);
      await ends[2].port.until('the frame to the free one', () => ends[2].heard(said(0, 2)) > 0);
    };
    await exchange();
    expect([ends[1].heard(said(0, 1)), ends[0].heard(said(1, 0))]).toEqual([0, 0]);
    const toLan = arpRequest({ mac: MAC(0), ip: '192.0.2.60' }, '192.0.2.1');
    ends[0].send(toLan);
    await lan.port.until('the question on the LAN', () => lan.heard(toLan.subarray(14, 42)) > 0);
    await provision(await lab({}, {}, {}));
    await exchange();
    await ends[1].port.until('the frame between the two', () => ends[1].heard(said(0, 1)) > 0);
  });
});

describe('bandwidth', () => {
  it('lets through a share of what passes without it', async () => {
    await provision(await lab({ bandwidth: { in: '2mbit', out: '2mbit' } }, {}));
    const ends = [await end('t0'), await end('t1')] as const;
    const rules = [60, 61].map(n => `ip saddr 192.0.2.${n} udp dport 4001 counter`).join('; ');
    await box.lan(
      'nft',
      `table netdev seen { chain in { type filter hook ingress device lan0 priority 0; ${rules}; }; }`,
    );
    /** Packets of each that got to the LAN. */
    const counted = async () =>
      [...(await box.lan('nft', 'list', 'table', 'netdev', 'seen')).matchAll(/counter packets (\d+)/g)].map(
        it => Number(it[1]),
      );
    // The bucket holds 131 of these frames of 1000 bytes, and no host takes seconds to send them.
    const many = 800;
    for (const n of [0, 1] as const) {
      const from = { mac: MAC(n), ip: `192.0.2.6${n}` };
      const to = { mac: '02:00:00:00:00:01', ip: '192.0.2.1' };
      ends[n].send(ip4(from, to, UDP, udp(4000, 4001, Buffer.alloc(958))), many);
    }
    let [limited = 0, free = 0] = await counted();
    for (let i = 0; i < 100 && free < many; i++) {
      await sleep(50);
      [limited = 0, free = 0] = await counted();
    }
    expect(free).toBe(many);
    expect(limited).toBeGreaterThan(50);
    expect(limited).toBeLessThan(free * 0.7);
    expect((await box.vmnet('status', 'life')).json.vms[0].nics[0].dropped.rate).toBeGreaterThan(many * 0.2);
  });
});
