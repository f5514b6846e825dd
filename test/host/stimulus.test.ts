import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// Namespaced endpoints stand in for guests: what counts is who is asked, how, and what is left behind.

const ASK = fileURLToPath(new URL('../support/ask.mjs', import.meta.url));

let box: Box;

beforeEach(async () => {
  box = await Box.up();
  await box.run('sh', '-ec', BRIDGE);
});

afterEach(() => box?.down());

const BRIDGE = `
  sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0
  ip link add name br0 type bridge forward_delay 0
  ip link set dev br0 up
  ip address flush dev eth0
  ip link set dev eth0 master br0
  ip address add 192.0.2.2/24 dev br0`;

const mac = (i: number) =>
  `52:54:00:00:${[i >> 8, i & 255].map(it => it.toString(16).padStart(2, '0')).join(':')}`;
const four = (i: number) => `ip address add 192.0.2.${i}/24 dev e0`;
const noSix = 'echo 1 > /proc/sys/net/ipv6/conf/e0/disable_ipv6';
const noPing =
  'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all; echo 1 > /proc/sys/net/ipv6/icmp/echo_ignore_all';
const dropPing =
  "nft 'table inet f { chain i { type filter hook input priority 0; icmp type echo-request drop; icmpv6 type echo-request drop; }; }'";

interface Endpoint {
  readonly lab: readonly string[];
  readonly setup: string;
}

/** @param path folders that come before the PATH's own */
async function ask(endpoints: readonly Endpoint[], more: object = {}, path = '') {
  const spec = { endpoints: endpoints.map((it, i) => ({ ...it, mac: mac(i) })), ...more };
  const env = `PATH=${path}${process.env.PATH}`;
  return JSON.parse(await box.run('env', env, process.execPath, ASK, JSON.stringify(spec)));
}

const ports = () => box.run('ip', '-br', 'link', 'show', 'type', 'tun');

describe('guests of many kinds, asked through one port', () => {
  it('speak, and what they say leaves by the uplink', async () => {
    const both = `${four(53)}; ip address add fd00:db8::53/64 dev e0 nodad`;
    const seen = await ask(
      [
        { lab: ['192.0.2.50/24'], setup: `${noSix}; ${four(50)}` },
        { lab: ['fd00:db8::51/64'], setup: 'ip address add fd00:db8::51/64 dev e0 nodad' },
        { lab: ['192.0.2.52/24'], setup: `${four(52)}; ${noPing}` },
        { lab: ['192.0.2.53/24', 'fd00:db8::53/64'], setup: `${both}; ${dropPing}` },
      ],
      { size: 1500 },
    );
    for (const vm of ['v0', 'v1', 'v2', 'v3']) expect(seen.left[vm], vm).toBeGreaterThan(0);
    const heard = seen.seen.map((all: { address: string; heard: boolean }[]) =>
      all.filter(it => it.heard).map(it => it.address),
    );
    expect(heard).toEqual([
      ['192.0.2.50'],
      ['fd00:db8::51', 'fe80::5054:ff:fe00:1'],
      ['192.0.2.52', 'fe80::5054:ff:fe00:2'],
      ['192.0.2.53', 'fd00:db8::53', 'fe80::5054:ff:fe00:3'],
    ]);
    expect(seen.tried[0]).toContain('echo request to 192.0.2.50 from 192.0.2.254, borrowed');
    // Those that answer echo requests answer one of full size.
    expect(seen.sizes).toEqual([
      { address: '192.0.2.50', bytes: 1500, answered: true },
      expect.objectContaining({ bytes: 1500, answered: true }),
      null,
      null,
    ]);
    expect(await ports()).toBe('');
  });

  it("that nobody knows an address of are found by a sweep of the bridge's subnet", async () => {
    const seen = await ask([{ lab: [], setup: `${noSix}; ${four(77)}` }], { asks: 3 });
    expect(seen.seen[0]).toContainEqual({ address: '192.0.2.77', by: 'arp', heard: true });
    expect(seen.tried[0]).toContain('ARP probes for 254 addresses of 192.0.2.0/24');
    expect(seen.tried[0]).toContain('echo request to 192.0.2.77 from 192.0.2.254, borrowed');
    expect(seen.left.v0).toBeGreaterThan(0);
  });

  it('let slip what address they want by DHCP', async () => {
    const seen = await ask(
      [
        {
          lab: [],
          setup: `${noSix}; (sleep 0.2; busybox udhcpc -f -n -q -i e0 -t 2 -T 1 -r 192.0.2.78 2> /dev/null > /dev/null) &`,
        },
      ],
      { passive: true, rounds: 2 },
    );
    expect(seen.seen[0]).toContainEqual({ address: '192.0.2.78', by: 'dhcp', heard: true });
  });

  it('two hundred at once', async () => {
    const endpoints = Array.from({ length: 200 }, (_, i) => ({
      lab: [`192.0.2.${i + 10}/24`],
      setup: four(i + 10),
    }));
    const seen = await ask(endpoints, { rounds: 2 });
    console.log(`200 endpoints: ${JSON.stringify(seen.times)} ms`);
    expect(Object.values(seen.left).filter(frames => frames === 0)).toEqual([]);
    expect(seen.lost).toBe(0);
  });
});

describe('the LAN', () => {
  const guest = { lab: ['192.0.2.50/24'], setup: four(50) };

  it('keeps its addresses: another is borrowed', async () => {
    await box.lan('ip', 'address', 'add', '192.0.2.254/24', 'dev', 'lan0');
    const seen = await ask([guest], { taken: ['192.0.2.2', '192.0.2.253'] });
    expect(seen.tried[0]).toContain('echo request to 192.0.2.50 from 192.0.2.252, borrowed');
    expect(await box.lan('ip', 'neigh', 'show')).not.toMatch(/192\.0\.2\.25[0-4]/);
  });

  it('is played: frames come in at the uplink, answers leave there, and the bridge forgets', async () => {
    const before = await box.run('tc', 'qdisc', 'show');
    const seen = await ask([guest], { lan: true });
    expect(seen.noLan).toBeNull();
    expect(seen.tried[0]).toContain(
      'echo request to 192.0.2.50 from 192.0.2.253, borrowed, as if from the LAN',
    );
    expect(seen.fromLan.length).toBeGreaterThan(3);
    expect(new Set(seen.fromLan)).toEqual(new Set(['in']));
    expect(seen.spoken).toBeGreaterThan(0);
    expect(seen.learned).toEqual([['eth0'], []]);
    expect(await box.run('tc', 'qdisc', 'show')).toBe(before);
  });

  it('is not played where the kernel lacks what it takes', async () => {
    const tc = `#!/bin/sh\necho 'Error: Specified qdisc kind is unknown.' >&2\nexit 2\n`;
    await writeFile(join(box.folder, 'tc'), tc, { mode: 0o755 });
    const seen = await ask([guest], { lan: true }, `${box.folder}:`);
    expect(seen.noLan).toMatch(/tc cannot redirect frames.*Specified qdisc kind is unknown/);
    expect([seen.fromLan, seen.left.v0 > 0]).toEqual([[], true]);
  });

  it('is played from the first where STP keeps a new port of the bridge silent; nothing is borrowed then', async () => {
    await box.run(
      'ip',
      'link',
      'set',
      'dev',
      'br0',
      'type',
      'bridge',
      'forward_delay',
      '200',
      'stp_state',
      '1',
    );
    const seen = await ask([guest], { wait: 5000 });
    expect(seen.left.v0).toBeGreaterThan(0);
    expect(seen.tried[0].join()).not.toContain('borrowed');
  });

  it('hears nothing from us that only listens', async () => {
    const seen = await ask([guest], { passive: true });
    expect([seen.tried[0], seen.spoken, seen.noLan]).toEqual([['listening only'], 0, 'nothing is sent']);
  });
});

it('leaves nothing behind, not even killed in the midst', async () => {
  const spec = { endpoints: [{ lab: [], setup: four(50), mac: mac(0) }], lan: true, end: 'kill' };
  const ended = await box.attempt('host', process.execPath, ASK, JSON.stringify(spec));
  expect(ended.code).not.toBe(0);
  expect(await ports()).toBe('');
  await expect.poll(async () => (await box.attempt('host', 'pgrep', '-x', 'tcpdump')).stdout).toBe('');
  await expect.poll(() => box.run('ip', '-br', 'link', 'show', 'type', 'veth')).not.toContain('t0');
});
