import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Box } from '../support/box.js';

// Every cause on the real kernel: made, found by verify under its own name, taken away, and the path is direct again.

let box: Box;
let file: string;
let tap: string;
let mac: string;

const NIC = (n: number) => ({ bridge: 'br0', address: [`192.0.2.${n}/24`, `fd00:db8::${n}/64`] });

const lab = (vms: object) => ({
  name: 'causes',
  bridges: { br0: { uplink: 'eth0' } },
  defaults: { vm: { boot: 'probe' } },
  vms,
});

beforeAll(async () => {
  box = await Box.up();
  file = await box.lab(lab({ web: { nics: [NIC(50)] }, db: { nics: [NIC(51)] } }));
  const up = await box.vmnet('provision', file);
  expect(up.json.error).toBeNull();
  const status = await box.vmnet('status', 'causes');
  ({ tap, mac } = status.json.vms.find((vm: { name: string }) => vm.name === 'web').nics[0]);
});

afterAll(() => box?.down());

interface Verdict {
  readonly code: number;
  readonly faults: readonly string[];
  readonly hint: string;
}

/** What verify says of the guest `web`: `NAME VERDICT REASON` of each check that failed. */
async function measure(...words: string[]): Promise<Verdict> {
  const answer = await box.vmnet('verify', '--timeout', '2', ...(words.length > 0 ? words : ['causes']));
  const bad = answer.json.checks.filter(
    (check: { vm: string; verdict: string }) =>
      check.vm === 'web' && check.verdict !== 'ok' && check.verdict !== 'direct',
  );
  return {
    code: answer.code,
    faults: bad.map((check: Record<string, string>) => `${check.name} ${check.verdict} ${check.reason}`),
    hint: bad.map((check: Record<string, string>) => check.hint).join('\n'),
  };
}

const sh = (script: string) => box.run('sh', '-ec', script);

/** The kernel tells the bridge of a port's carrier up to a second after it is there; both guests and the uplink are ports. */
const PORTS_ARE_BACK =
  'for i in $(seq 30); do [ "$(bridge link show | grep -c "state forwarding")" -ge 3 ] && break; sleep 0.1; done';

/** Commands with the names of this run in them. */
const named = (script: string) => script.replaceAll('TAP', tap).replaceAll('GUESTMAC', mac);

interface Case {
  /** Its name in the table. */
  readonly cause: string;
  readonly make: string;
  readonly undo: string;
  /** As in {@link Verdict}: the one of the path, or of the check that finds it. */
  readonly found: string;
  /** What the hint has to name. */
  readonly hint?: RegExp;
}

const sysctl = (table: string): Case => ({
  cause: `br_netfilter for ${table}, for all bridges`,
  make: `sysctl -qw net.bridge.bridge-nf-call-${table}=1`,
  undo: `sysctl -qw net.bridge.bridge-nf-call-${table}=0`,
  found: `path detour bridge-nf-call-${table}`,
  hint: /bridgeNetfilter/,
});

const perBridge = (table: string): Case => ({
  cause: `br_netfilter for ${table}, for this bridge`,
  make: `ip link set dev br0 type bridge nf_call_${table} 1`,
  undo: `ip link set dev br0 type bridge nf_call_${table} 0`,
  found: `path detour nf-call-${table}`,
  hint: /nf_call_/,
});

/** Drops every frame by a classic program, since not every kernel has the action for it. */
const DROP = 'bpf da bytecode "1,6 0 0 2"';

const tc = (device: string, side: string, reason: string): Case => ({
  cause: `tc filter at ${side} of ${device}`,
  make: `tc qdisc add dev ${device} clsact; tc filter add dev ${device} ${side} ${DROP}`,
  undo: `tc qdisc del dev ${device} clsact`,
  found: `path blocked ${reason}`,
  hint: /tc (in|e)gress of/,
});

const netdev = (device: string, side: string, reason: string): Case => ({
  cause: `netdev chain at ${side} of ${device}`,
  make: `nft 'add table netdev far; add chain netdev far c { type filter hook ${side} device "${device}" priority 0; }; add rule netdev far c drop'`,
  undo: 'nft delete table netdev far',
  found: `path blocked ${reason}`,
  hint: /nft netdev table far, chain c/,
});

const bridgeChain = (hook: string): Case => ({
  cause: `nft bridge chain at ${hook}`,
  make: `nft 'add table bridge far; add chain bridge far c { type filter hook ${hook} priority 0; }; add rule bridge far c drop'`,
  undo: 'nft delete table bridge far',
  found: 'path blocked bridge-filter',
  hint: /nft bridge table far, chain c/,
});

const link = (cause: string, make: string, undo: string, reason: string, hint?: RegExp): Case => ({
  cause,
  make,
  undo,
  found: `path blocked ${reason}`,
  ...(hint ? { hint } : {}),
});

const CASES: readonly Case[] = [
  ...['iptables', 'ip6tables', 'arptables'].map(sysctl),
  ...['iptables', 'ip6tables', 'arptables'].map(perBridge),
  {
    cause: 'FORWARD policy drop in nftables, through br_netfilter',
    make: `sysctl -qw net.bridge.bridge-nf-call-iptables=1; nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'`,
    undo: 'sysctl -qw net.bridge.bridge-nf-call-iptables=0; nft delete table ip filter',
    found: 'path blocked forward-drop',
    hint: /nft ip table filter, chain FORWARD \(policy drop\)/,
  },
  {
    cause: "FORWARD policy drop as Docker's, in the legacy tables, through br_netfilter",
    make: 'sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables-legacy -N DOCKER-USER; iptables-legacy -A DOCKER-USER -j RETURN; iptables-legacy -A FORWARD -j DOCKER-USER; iptables-legacy -P FORWARD DROP',
    undo: 'sysctl -qw net.bridge.bridge-nf-call-iptables=0; iptables-legacy -P FORWARD ACCEPT; iptables-legacy -F; iptables-legacy -X',
    found: 'path blocked forward-drop',
    hint: /iptables chain FORWARD \(policy DROP\)/,
  },
  {
    cause: 'FORWARD drop for IPv6 in the legacy tables, through br_netfilter',
    make: 'sysctl -qw net.bridge.bridge-nf-call-ip6tables=1; ip6tables-legacy -A FORWARD -j DROP',
    undo: 'sysctl -qw net.bridge.bridge-nf-call-ip6tables=0; ip6tables-legacy -F',
    found: 'path blocked forward-drop',
    hint: /ip6tables chain FORWARD/,
  },
  ...['prerouting', 'forward', 'postrouting'].map(bridgeChain),
  {
    ...bridgeChain('forward'),
    cause: 'nft bridge chain that drops only what comes from the LAN for the guest',
    make: `nft 'add table bridge far; add chain bridge far c { type filter hook forward priority 0; }; add rule bridge far c iifname eth0 ether daddr GUESTMAC drop'`,
  },
  {
    ...bridgeChain('forward'),
    cause: 'nft bridge chain that drops only IPv4 from the LAN for the guest',
    make: `nft 'add table bridge far; add chain bridge far c { type filter hook forward priority 0; }; add rule bridge far c iifname eth0 ether daddr GUESTMAC ether type ip drop'`,
  },
  {
    cause: 'ebtables rule',
    make: 'ebtables-nft -A FORWARD -j DROP',
    undo: 'nft delete table bridge filter',
    found: 'path blocked bridge-filter',
    hint: /nft bridge table filter, chain FORWARD/,
  },
  tc('TAP', 'ingress', 'tap-ingress-filter'),
  netdev('TAP', 'ingress', 'tap-ingress-filter'),
  tc('TAP', 'egress', 'tap-egress-filter'),
  netdev('TAP', 'egress', 'tap-egress-filter'),
  tc('eth0', 'egress', 'uplink-egress-filter'),
  netdev('eth0', 'egress', 'uplink-egress-filter'),
  tc('eth0', 'ingress', 'uplink-ingress-filter'),
  netdev('eth0', 'ingress', 'uplink-ingress-filter'),
  link(
    'tap on no bridge',
    'ip link set dev TAP nomaster',
    'ip link set dev TAP master br0',
    'tap-not-enslaved',
  ),
  link(
    'tap on another bridge',
    'ip link add name br7 type bridge; ip link set dev br7 up; ip link set dev TAP master br7',
    'ip link set dev TAP master br0; ip link del dev br7',
    'tap-not-enslaved',
    /it is a port of br7/,
  ),
  link('tap down', 'ip link set dev TAP down', 'ip link set dev TAP up', 'tap-down'),
  link(
    'tap not forwarding',
    'bridge link set dev TAP state 0',
    'bridge link set dev TAP state 3',
    'tap-not-forwarding',
  ),
  link('uplink down', 'ip link set dev eth0 down', 'ip link set dev eth0 up', 'uplink-down'),
  link(
    'uplink on no bridge',
    'ip link set dev eth0 nomaster',
    'ip link set dev eth0 master br0',
    'uplink-not-enslaved',
  ),
  link(
    'uplink not forwarding',
    'bridge link set dev eth0 state 0',
    'bridge link set dev eth0 state 3',
    'uplink-not-forwarding',
  ),
  link('MTU of the uplink', 'ip link set dev eth0 mtu 1400', 'ip link set dev eth0 mtu 1500', 'mtu', /1400/),
  link(
    'tap and uplink isolated',
    'bridge link set dev TAP isolated on; bridge link set dev eth0 isolated on',
    'bridge link set dev TAP isolated off; bridge link set dev eth0 isolated off',
    'port-isolated',
  ),
  link(
    'no flooding to the uplink',
    'bridge link set dev eth0 flood off',
    'bridge link set dev eth0 flood on',
    'not-flooded',
  ),
  link(
    'a second machine with the same MAC',
    'ip link add name dup0 type veth peer name dup1 address GUESTMAC; ip link set dev dup1 addrgenmode none; ip link set dev dup0 master br0; ip link set dev dup0 up; ip link set dev dup1 up; ip address add 198.51.100.9/24 dev dup1; (for i in $(seq 40); do busybox arping -q -c 1 -w 1 -I dup1 198.51.100.1 & sleep 0.1; done) > /dev/null 2>&1 &',
    'ip link del dev dup0',
    'mac-on-another-port',
    /dup0/,
  ),
  {
    cause: "the guest's address on the host",
    make: 'ip address add 192.0.2.50/32 dev lo',
    undo: 'ip address del 192.0.2.50/32 dev lo',
    found: 'address failed address-on-host',
    hint: /on lo/,
  },
  {
    cause: 'hairpin on the tap',
    make: 'bridge link set dev TAP hairpin on',
    undo: 'bridge link set dev TAP hairpin off',
    found: 'tap failed tap-hairpin',
  },
  {
    cause: 'hairpin on the uplink',
    make: 'bridge link set dev eth0 hairpin on',
    undo: 'bridge link set dev eth0 hairpin off',
    found: 'uplink failed uplink-hairpin',
  },
  {
    cause: 'the host routes between the ports',
    make: `nft "add table bridge far; add chain bridge far c { type filter hook prerouting priority dstnat; }; add rule bridge far c iifname TAP ether type ip meta pkttype set host ether daddr set $(cat /sys/class/net/br0/address)"; sysctl -qw net.ipv4.ip_forward=1`,
    undo: 'sysctl -qw net.ipv4.ip_forward=0; nft delete table bridge far',
    found: 'path detour routed',
  },
  {
    cause: 'the host routes and translates (NAT)',
    make: `nft "add table bridge far; add chain bridge far c { type filter hook prerouting priority dstnat; }; add rule bridge far c iifname TAP ether type ip meta pkttype set host ether daddr set $(cat /sys/class/net/br0/address)"; sysctl -qw net.ipv4.ip_forward=1; nft 'add table ip far; add chain ip far n { type filter hook postrouting priority srcnat; }; add rule ip far n ip saddr 192.0.2.50 ip saddr set 192.0.2.77'`,
    undo: 'sysctl -qw net.ipv4.ip_forward=0; nft delete table bridge far; nft delete table ip far',
    found: 'path detour nat',
  },
  {
    cause: 'guest paused',
    make: 'virsh -q suspend causes-web',
    undo: 'virsh -q resume causes-web',
    found: 'path unproven guest-paused',
  },
];

describe('trace follows a ping from the LAN', () => {
  /** Trace while the guest is pinged; the first request and its reply, as `WAY: MOTION DEVICE, …`. */
  async function traced() {
    const ping = box.attempt('lan', 'ping', '-c', '20', '-i', '0.2', '192.0.2.50');
    const answer = await box.vmnet('trace', 'web', '--to', '192.0.2.1', '--count', '4');
    await ping;
    const flows = answer.json.trace.flows
      .filter(({ what }: { what: string }) => what.startsWith('ICMP echo'))
      .map(
        ({ way, hops }: { way: string; hops: readonly { motion: string; device: string }[] }) =>
          `${way}: ${hops.map(({ motion, device }) => `${motion} ${device}`).join(', ')}`,
      );
    return { code: answer.code, flows: [...new Set(flows)].sort(), trace: answer.json.trace };
  }
  const bothWays = () => [
    `LAN → guest: in eth0, switched br0, out ${tap}`,
    `guest → LAN: in ${tap}, switched br0, out eth0`,
  ];

  it('through tap, bridge and uplink, and not up the stack', async () => {
    const { code, flows, trace } = await traced();
    expect([code, flows]).toEqual([0, bothWays()]);
    const none = { prerouting: 0, forward: 0 };
    expect(trace.stack).toMatchObject({ bridgeInput: 0, input: 0, arp: 0, ...none, toGuest: none });
    expect(trace.stack.bridgeForward).toBeGreaterThan(0);
  });

  it('and up the stack with br_netfilter on', async () => {
    await sh('sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    const { code, flows, trace } = await traced().finally(() =>
      sh('sysctl -qw net.bridge.bridge-nf-call-iptables=0'),
    );
    expect([code, flows]).toEqual([3, bothWays()]);
    expect(trace.switches).toMatchObject([{ name: 'net.bridge.bridge-nf-call-iptables=1' }]);
    expect(trace.stack.forward).toBeGreaterThan(0);
    expect(trace.stack.toGuest.forward).toBeGreaterThan(0);
  });

  it('a guest that is quiet is asked, and nothing is left behind', async () => {
    const { stdout, code } = await box.vmnetText('trace', 'causes/web', '--count', '4');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/The guest is quiet.*It did not: br0 /s)]);
    expect(await box.run('nft', 'list', 'tables')).toBe('');
    expect(await box.run('ip', '-br', 'link')).not.toMatch(/^vmp/m);
  });
});

describe('each cause is found under its name, and gone when it is gone', () => {
  it.each(CASES)('$cause', async ({ make, undo, found, hint }) => {
    await sh(named(make));
    const wrong = await measure().finally(() => sh(`${named(undo)}; ${PORTS_ARE_BACK}`));
    expect(wrong.faults).toContain(found);
    // The path has one verdict; what finds the cause elsewhere leaves it alone.
    if (found.startsWith('path'))
      expect(wrong.faults.filter(fault => fault.startsWith('path'))).toEqual([found]);
    if (hint) expect(wrong.hint).toMatch(hint);
    expect(wrong.hint).not.toBe('');
    expect(wrong.code).toBe(3);
    expect(await measure()).toEqual({ code: 0, faults: [], hint: '' });
  });

  it('uplink without carrier', async () => {
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'down');
    expect((await measure()).faults).toContain('path blocked uplink-no-carrier');
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'up');
    await sh(PORTS_ARE_BACK);
    expect(await measure()).toEqual({ code: 0, faults: [], hint: '' });
  });

  it('a guest that sends with another MAC than its own', async () => {
    const other = { ...NIC(50), mac: '52:54:00:12:34:56' };
    const changed = await box.lab(lab({ web: { nics: [other] }, db: { nics: [NIC(51)] } }), 'other.json');
    const wrong = await measure(changed);
    expect(wrong.faults).toContain('path blocked foreign-mac');
    expect(wrong.hint).toContain(mac);
  });

  it('a guest that crashed, and one that is shut off', async () => {
    await sh(`kill -SEGV $(pgrep -f '[g]uest=causes-web')`);
    await sh(
      'for i in $(seq 50); do virsh -q domstate causes-web | grep -q shut && exit; sleep 0.1; done; exit 1',
    );
    expect((await measure()).faults).toContain('path unproven guest-crashed');
    await sh('virsh -q start causes-web; virsh -q destroy causes-web');
    expect((await measure()).faults).toContain('path unproven guest-not-running');
  });
});
