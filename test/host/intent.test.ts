import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeMode } from '../../src/lab/model.js';
import { Box } from '../support/box.js';

// What a lab means is measured: each verdict once as it should be, and once for each way in which it may not be.
// Namespaced endpoints stand in for guests, on bridges and rules made by hand.

const PROVE = fileURLToPath(new URL('../support/prove.mjs', import.meta.url));

let box: Box;

beforeEach(async () => {
  box = await Box.up();
  await sh(`
    sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0
    ip link add name br0 address 02:00:00:00:00:b0 type bridge forward_delay 0
    ip link set dev br0 up
    ip link set dev eth0 up`);
});

afterEach(() => box?.down());

const sh = (script: string) => box.run('sh', '-ec', script);
const GATEWAY = 'ip address add 10.77.0.1/24 dev br0';
const FORWARD = 'sysctl -qw net.ipv4.ip_forward=1';
const MASQUERADE = `nft 'table ip hand { chain p { type nat hook postrouting priority 100; ip saddr 10.77.0.0/24 oifname != "br0" masquerade; }; }'`;

interface Endpoint {
  readonly mac: string;
  readonly bridge: string;
  readonly lab: readonly string[];
  readonly setup: string;
  readonly isolated?: boolean;
  /** Words of `ip link set type bridge_slave`. */
  readonly port?: string;
}

const guest = (n: number, more: Partial<Endpoint> = {}): Endpoint => ({
  mac: `52:54:00:00:00:${n}`,
  bridge: 'br0',
  lab: [`10.77.0.${n}/24`],
  setup: `ip address add 10.77.0.${n}/24 dev e0; ip route add default via 10.77.0.1`,
  ...more,
});

interface Seen {
  readonly name: string;
  readonly vm: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly hint: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
  readonly evidence: any;
}

async function prove(mode: BridgeMode, endpoints: readonly Endpoint[] = [guest(50)], more: object = {}) {
  const spec = { modes: { br0: mode, br1: mode }, endpoints, ...more };
  const answer = JSON.parse(await box.run(process.execPath, PROVE, JSON.stringify(spec)));
  const checks = answer.checks as Seen[];
  const [path] = checks.filter(({ name }) => name === 'path');
  if (!path) throw new Error('no path was judged');
  return { checks, path, explained: answer.explained as string };
}

const verdict = ({ path }: { path: Seen }) => [path.verdict, path.reason];

/** Addresses and hops left of the echo messages, of both families, that come to the LAN. */
const watchLan = () =>
  box.lan(
    'nft',
    `table inet seen {
      set four { typeof ip daddr . ip ttl; size 99; flags dynamic; counter; }
      set six { typeof ip6 daddr . ip6 hoplimit; size 99; flags dynamic; counter; }
      chain c {
        type filter hook prerouting priority -400;
        icmp type { echo-request, echo-reply } update @four { ip daddr . ip ttl counter }
        icmpv6 type { echo-request, echo-reply } update @six { ip6 daddr . ip6 hoplimit counter }
      }
    }`,
  );

async function arrivedOnLan(): Promise<unknown[]> {
  const { nftables } = JSON.parse(await box.lan('nft', '-j', 'list', 'table', 'inet', 'seen'));
  // biome-ignore lint/suspicious/noExplicitAny: nft's JSON
  return nftables.flatMap((entry: any) => (entry.set?.elem ?? []).map((it: any) => it.elem.val.concat));
}

/** What is left of us on the host. */
const traces = async () => [
  await box.run('nft', 'list', 'tables'),
  await box.run('ip', '-br', 'link', 'show', 'type', 'tun'),
];

describe('nat', () => {
  it('is routed: up the stack with the guest’s own frames, out with the host’s address, and what it costs', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    const before = await traces();
    const seen = await prove('nat');
    expect(verdict(seen)).toEqual(['routed', null]);
    const { way } = seen.path.evidence;
    expect(way.toHost.input).toBeGreaterThan(0);
    expect(way.toHost.stack).toBeGreaterThan(0);
    expect(way.outward).toBeGreaterThan(0);
    const [four] = way.errands;
    expect(four.left).toEqual([{ port: 'eth0', source: '192.0.2.2', frames: expect.any(Number) }]);
    expect(four.captured).toBeGreaterThan(0);
    expect(way.cost.routedUs).toBeGreaterThanOrEqual(0);
    expect(way.cost.switchedUs).toBeGreaterThanOrEqual(0);
    expect(seen.explained).toContain("with the guest's own frames");
    expect(seen.explained).toMatch(/translated to 192\.0\.2\.2/);
    expect(seen.explained).toMatch(/\d+ µs and 5 netfilter hooks .* to eth0, beside \d+ µs and 3/);
    expect(await traces()).toEqual(before);
  });

  it('sends nothing further than the next hop, and nothing of what it made guests say', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    await watchLan();
    await prove('nat');
    expect(await arrivedOnLan()).toEqual([[expect.stringMatching(/^198\.1[89]\./), 1]]);
  });

  it('without masquerade is blocked', async () => {
    await sh([GATEWAY, FORWARD].join('\n'));
    const seen = await prove('nat');
    expect(verdict(seen)).toEqual(['blocked', 'no-masquerade']);
    expect(seen.path.hint).toMatch(/by eth0 with the guest's own address \(10\.77\.0\.\d+\)/);
  });

  it('with forwarding off is blocked, of the host or of the bridge', async () => {
    await sh([GATEWAY, MASQUERADE, 'sysctl -qw net.ipv4.ip_forward=0'].join('\n'));
    const off = await prove('nat');
    expect(verdict(off)).toEqual(['blocked', 'forwarding-off']);
    expect(off.path.hint).toContain('sysctl -w net.ipv4.ip_forward=1');
    await sh('sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.br0.forwarding=0');
    const own = await prove('nat');
    expect(verdict(own)).toEqual(['blocked', 'forwarding-off']);
    expect(own.path.hint).toContain('sysctl -w net.ipv4.conf.br0.forwarding=1');
  });

  it('behind a FORWARD policy that drops names the chain', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    await sh(
      `nft 'table ip filter { chain DOCKER-USER { }; chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }; }'`,
    );
    const seen = await prove('nat');
    expect(verdict(seen)).toEqual(['blocked', 'forward-drop']);
    expect(seen.path.hint).toContain('nft ip table filter, chain FORWARD (policy drop)');
  });

  it('without a route, and without an address of the bridge, is blocked', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE, 'ip address flush dev eth0'].join('\n'));
    expect(verdict(await prove('nat'))).toEqual(['blocked', 'no-route']);
    await sh('ip address flush dev br0');
    expect(verdict(await prove('nat'))).toEqual(['blocked', 'no-gateway']);
  });

  it('with a filter, or nobody, behind the way out is blocked', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    await sh(
      `nft 'table netdev hand { chain e { type filter hook egress device "eth0" priority 0; ip protocol icmp drop; }; }'`,
    );
    const filtered = await prove('nat');
    expect(verdict(filtered)).toEqual(['blocked', 'egress-filter']);
    expect(filtered.path.hint).toContain('nft netdev table hand, chain e');
    await sh('nft delete table netdev hand; ip route replace default via 192.0.2.99 dev eth0');
    expect(verdict(await prove('nat'))).toEqual(['blocked', 'no-next-hop']);
  });

  it('is proven by nothing where nothing is sent', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    const chatty = guest(50, {
      setup: `${guest(50).setup}; (ping -i 0.2 -c 9 10.77.0.1 > /dev/null 2>&1) &`,
    });
    const seen = await prove('nat', [chatty], { passive: true });
    expect(verdict(seen)).toEqual(['unproven', 'not-attempted']);
    expect(seen.path.evidence.way.errands[0].entered).toBe(0);
  });
});

describe('routed', () => {
  const SIX = 'ip address add fd00:77::1/64 dev br0 nodad; sysctl -qw net.ipv6.conf.all.forwarding=1';
  const both = guest(50, {
    lab: ['10.77.0.50/24', 'fd00:77::50/64'],
    setup: `${guest(50).setup}; ip address add fd00:77::50/64 dev e0 nodad; ip route add default via fd00:77::1`,
  });

  it('is routed in both families, each with its own address', async () => {
    await sh([GATEWAY, FORWARD, SIX].join('\n'));
    const seen = await prove('routed', [both]);
    expect(verdict(seen)).toEqual(['routed', null]);
    for (const errand of seen.path.evidence.way.errands) {
      expect(errand.decides).toBe(true);
      expect(errand.left.map(({ port, source }: { port: string; source: string }) => [port, source])).toEqual(
        [['eth0', errand.from]],
      );
    }
  });

  it('that is translated is a detour', async () => {
    await sh([GATEWAY, FORWARD, MASQUERADE].join('\n'));
    expect(verdict(await prove('routed'))).toEqual(['detour', 'translated']);
  });

  it('in one family only is blocked', async () => {
    await sh([GATEWAY, FORWARD, SIX, 'sysctl -qw net.ipv6.conf.all.forwarding=0'].join('\n'));
    const seen = await prove('routed', [both]);
    expect(verdict(seen)).toEqual(['blocked', 'forwarding-off']);
    expect(seen.path.hint).toContain('net.ipv6.conf.all.forwarding=1');
  });
});

describe('isolated', () => {
  it('is: neighbours are reached, and nothing gets out', async () => {
    const seen = await prove('isolated', [guest(50), guest(51)]);
    expect(seen.checks.filter(({ name }) => name === 'path').map(({ verdict: it }) => it)).toEqual([
      'isolated',
      'isolated',
    ]);
    expect(seen.path.evidence.passed.forward).toBeGreaterThan(0);
    for (const { entered, passed } of seen.path.evidence.way.errands) {
      expect(entered).toBeGreaterThan(0);
      expect(passed).toEqual([]);
    }
  });

  it('is, where the host has an address there and forwards, but a chain of its drops what comes from there', async () => {
    await sh([GATEWAY, FORWARD].join('\n'));
    await sh(
      `nft 'table inet hand { chain f { type filter hook forward priority 0; iifname "br0" drop; }; }'`,
    );
    const seen = await prove('isolated');
    expect(verdict(seen)).toEqual(['isolated', null]);
    expect(seen.path.evidence.way.errands[0].forward).toBeGreaterThan(0);
  });

  it('that the host forwards from leaks, with the way out named; and the proof itself lets nothing out', async () => {
    await sh([GATEWAY, FORWARD].join('\n'));
    await watchLan();
    const quiet = guest(50, { setup: 'ip address add 10.77.0.50/24 dev e0' });
    const seen = await prove('isolated', [quiet]);
    expect(verdict(seen)).toEqual(['leak', 'forwarded']);
    expect(seen.path.hint).toContain('toward eth0: the host forwards (net.ipv4.ip_forward=1');
    expect(await arrivedOnLan()).toEqual([]);
  });

  it('leaks into another network of the host, though there is no default route', async () => {
    await sh([GATEWAY, FORWARD, 'ip route del default'].join('\n'));
    expect(verdict(await prove('isolated'))).toEqual(['leak', 'forwarded']);
  });

  it('leaks in IPv6 alone', async () => {
    await sh('sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=1');
    const seen = await prove('isolated');
    expect(verdict(seen)).toEqual(['leak', 'forwarded']);
    expect(seen.path.hint).toContain('net.ipv6.conf.all.forwarding=1');
  });

  it('with a port that is none of the lab’s leaks', async () => {
    await sh('ip link set dev eth0 master br0');
    const seen = await prove('isolated');
    expect(verdict(seen)).toEqual(['leak', 'foreign-port']);
    expect(seen.path.hint).toMatch(
      /^eth0 is a port of br0 and none of the lab's: \d+ frames? of the guest's left by it/,
    );
  });

  it('is unproven where nothing is sent', async () => {
    const chatty = guest(50, {
      setup: `${guest(50).setup}; (ping -i 0.2 -c 9 10.77.0.51 > /dev/null 2>&1) &`,
    });
    const seen = await prove('isolated', [chatty, guest(51)], { passive: true });
    expect(verdict(seen)).toEqual(['unproven', 'not-attempted']);
  });
});

describe('isolated ports', () => {
  const apart = (n: number, port = 'isolated on') => guest(n, { isolated: true, port });
  const isolation = ({ checks }: { checks: readonly Seen[] }) =>
    checks.filter(({ name }) => name === 'isolation').map(({ verdict: it, reason }) => reason ?? it);

  it('get nothing from each other, and from others they do', async () => {
    const seen = await prove('isolated', [apart(50), apart(51), guest(52)]);
    expect(isolation(seen)).toEqual(['ok', 'ok']);
    const [first] = seen.checks.filter(({ name }) => name === 'isolation');
    expect(first?.evidence).toMatchObject({ isolated: true, arrived: 0, between: [] });
    expect(first?.evidence.sent).toBeGreaterThan(0);
    expect(first?.evidence.fromOthers).toBeGreaterThan(0);
    expect(verdict(seen)).toEqual(['isolated', null]);
  });

  it('are none where the flag is off', async () => {
    const seen = await prove('isolated', [apart(50, 'isolated off'), apart(51)]);
    expect(isolation(seen)).toEqual(['isolation-leaks', 'isolation-leaks']);
    expect(isolation(await prove('isolated', [apart(52, 'isolated off')]))).toEqual(['port-not-isolated']);
    expect(seen.checks.find(({ name }) => name === 'isolation')?.hint).toContain(
      'bridge link set dev t0 isolated on',
    );
  });

  it('of a bridge that leads to the LAN are looked at as well', async () => {
    await sh(
      'ip address flush dev eth0; ip link set dev eth0 master br0; ip address add 192.0.2.2/24 dev br0',
    );
    const own = (n: number) => ({
      ...apart(n),
      lab: [`192.0.2.${n}/24`],
      setup: `ip address add 192.0.2.${n}/24 dev e0`,
    });
    const seen = await prove('bridged', [own(50), own(51)], { uplink: 'eth0' });
    expect([verdict(seen), isolation(seen)]).toEqual([
      ['direct', null],
      ['ok', 'ok'],
    ]);
  });
});
