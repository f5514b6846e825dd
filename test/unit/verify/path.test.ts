import { describe, expect, test } from 'vitest';
import type { Filter, TcFilter } from '../../../src/host/filters.js';
import type { PortFlags } from '../../../src/host/ports.js';
import type { Scene } from '../../../src/verify/causes/cause.js';
import { NO_DIAGNOSIS } from '../../../src/verify/diagnosis.js';
import type { HostStack, Inbound, PathEvidence } from '../../../src/verify/model.js';
import { CAUSES, judgePath, OVS_CAUSES } from '../../../src/verify/path.js';
import { directScene, ovsScene, withLink } from '../../fakes/evidence.js';

const seen = (scene: Scene, change: Partial<PathEvidence>): Scene => ({
  ...scene,
  evidence: { ...scene.evidence, ...change },
});

const sysctl = (scene: Scene, name: string): Scene => ({
  ...scene,
  host: { ...scene.host, sysctls: { ...scene.host.sysctls, [`net/bridge/${name}`]: '1' } },
});

const calls = (scene: Scene, table: 'iptables' | 'arptables'): Scene => ({
  ...scene,
  settings: { ...scene.settings, calls: new Map([['br0', [table]]]) },
});

const port = (scene: Scene, names: readonly string[], change: Partial<PortFlags>): Scene => ({
  ...scene,
  settings: {
    ...scene.settings,
    ports: new Map(names.map(name => [name, { isolated: false, hairpin: false, flood: true, ...change }])),
  },
});

const tapOf = ({ target }: Scene) => target.tap;

const stack = (scene: Scene, change: Partial<HostStack>) =>
  seen(scene, { hostStack: { ...scene.evidence.hostStack, ...change } });

const inbound = (scene: Scene, change: Partial<Inbound>) => {
  const now = scene.evidence.inbound;
  return now ? seen(scene, { inbound: { ...now, ...change } }) : scene;
};

const NONE = { entered: 0, switched: 0 };
const NO_FAMILY = { ip: NONE, ip6: NONE, arp: NONE };

const NOTHING_PASSED = { prerouting: 0, forward: 0, toUplink: 0 };

/** Nothing of the guest's was seen on the bridge. */
const absent = (scene: Scene): Scene =>
  seen(scene, {
    bridge: { name: 'br0', prerouting: 0, forward: 0, input: 0 },
    passed: { ...NOTHING_PASSED, toTap: 6 },
    families: NO_FAMILY,
    multicast: 0,
    uplink: { name: 'eth0', egress: 0, captured: 0 },
    inbound: null,
    fullSize: null,
    first: null,
    fdb: null,
  });

const silent = (scene: Scene) => seen(absent(scene), { tap: { name: tapOf(scene), received: 0 } });

const through = (scene: Scene, prerouting: number, forward: number, toUplink: number) =>
  seen(scene, { passed: { prerouting, forward, toUplink, toTap: 6 } });

const uplinkSaw = (scene: Scene, egress: number, captured: number | null) =>
  seen(scene, { uplink: { name: 'eth0', egress, captured } });

const STRANGER = '52:54:00:aa:aa:aa';

/** The NIC is in VLAN 10, and so many of its frames left the uplink with that tag. */
const inVlan = (scene: Scene, frames: number, carried = true): Scene => ({
  ...seen(scene, { tag: { vid: 10, others: [], frames } }),
  target: { ...scene.target, segment: { vid: 10, tag: 10, carried, others: [] } },
});

/** What makes a good path bad, and what it has to be called then. */
const BAD: readonly [reason: string, verdict: string, (scene: Scene) => Scene][] = [
  ['guest-not-running', 'unproven', scene => ({ ...scene, domain: 'shutoff' })],
  ['guest-not-running', 'unproven', scene => ({ ...scene, domain: 'not defined' })],
  ['guest-paused', 'unproven', scene => ({ ...scene, domain: 'paused' })],
  ['guest-crashed', 'unproven', scene => ({ ...scene, domain: 'crashed' })],
  ['guest-silent', 'unproven', silent],
  ['bridge-filter', 'blocked', scene => seen(silent(scene), { passed: { ...NOTHING_PASSED, toTap: 0 } })],
  ['tap-egress-filter', 'blocked', scene => seen(silent(scene), { heard: false })],
  ['only-multicast', 'unproven', scene => seen(absent(scene), { multicast: 3 })],
  [
    'foreign-mac',
    'blocked',
    scene => seen(absent(scene), { strangers: [{ port: tapOf(scene), mac: STRANGER, frames: 5 }] }),
  ],
  [
    'mac-on-another-port',
    'blocked',
    scene => seen(scene, { strangers: [{ port: 'x', mac: scene.target.nic.mac, frames: 1 }] }),
  ],
  [
    'mac-on-another-port',
    'blocked',
    scene => seen(scene, { fdb: { mac: scene.target.nic.mac, port: 'eth0' } }),
  ],
  ...(['tap', 'uplink'] as const).flatMap(role => {
    const name = (scene: Scene) => (role === 'tap' ? tapOf(scene) : 'eth0');
    const states: [string, Parameters<typeof withLink>[2]][] = [
      ['missing', null],
      ['not-enslaved', { master: null }],
      ['not-enslaved', { master: 'br7' }],
      ['down', { up: false }],
      ['no-carrier', { operState: 'DOWN' }],
      ['no-carrier', { operState: 'LOWERLAYERDOWN' }],
      ['not-forwarding', { portState: 'learning' }],
    ];
    return states.map(([reason, change]): [string, string, (scene: Scene) => Scene] => [
      `${role}-${reason}`,
      'blocked',
      scene => withLink(scene, name(scene), change),
    ]);
  }),
  ['tap-ingress-filter', 'blocked', absent],
  ['routed', 'detour', scene => seen(scene, { rerouted: { mac: '02:00:00:00:00:01', translated: false } })],
  ['nat', 'detour', scene => seen(scene, { rerouted: { mac: '02:00:00:00:00:01', translated: true } })],
  ['wrong-vlan-tag', 'blocked', scene => inVlan(scene, 5)],
  ['vlan-not-carried', 'blocked', scene => inVlan(scene, 0, false)],
  ['bridge-filter', 'blocked', scene => through(scene, 0, 6, 6)],
  [
    'not-forwarded',
    'blocked',
    scene => seen(scene, { bridge: { name: 'br0', prerouting: 6, forward: 0, input: 0 } }),
  ],
  ['bridge-filter', 'blocked', scene => through(scene, 6, 0, 6)],
  [
    'bridge-filter',
    'blocked',
    scene => seen(scene, { families: { ...scene.evidence.families, ip: { entered: 2, switched: 0 } } }),
  ],
  [
    'bridge-filter',
    'blocked',
    scene => seen(scene, { toGuest: { ...scene.evidence.toGuest, arp: { entered: 2, switched: 0 } } }),
  ],
  ['bridge-filter', 'blocked', scene => through(scene, 6, 6, 0)],
  [
    'port-isolated',
    'blocked',
    scene => port(through(scene, 6, 6, 0), [tapOf(scene), 'eth0'], { isolated: true }),
  ],
  ['not-flooded', 'blocked', scene => port(through(scene, 6, 6, 0), ['eth0'], { flood: false })],
  ['uplink-egress-filter', 'blocked', scene => uplinkSaw(scene, 0, 0)],
  ['uplink-egress-filter', 'blocked', scene => uplinkSaw(scene, 0, null)],
  ['uplink-egress-filter', 'blocked', scene => uplinkSaw(scene, 6, 0)],
  ['mtu', 'blocked', scene => withLink(scene, 'eth0', { mtu: 1400 })],
  ['mtu', 'blocked', scene => seen(scene, { fullSize: { bytes: 1500, left: 0 } })],
  ['uplink-ingress-filter', 'blocked', scene => inbound(scene, { ingress: 0 })],
  ['uplink-ingress-filter', 'blocked', scene => inbound(scene, { prerouting: 0 })],
  ['bridge-filter', 'blocked', scene => inbound(scene, { toTap: 0 })],
  ['tap-egress-filter', 'blocked', scene => inbound(scene, { captured: 0 })],
  ['bridge-nf-call-arptables', 'detour', scene => sysctl(scene, 'bridge-nf-call-arptables')],
  [
    'bridge-nf-call-iptables',
    'detour',
    scene => sysctl(stack(scene, { prerouting: 4, forward: 4 }), 'bridge-nf-call-iptables'),
  ],
  [
    'bridge-nf-call-ip6tables',
    'detour',
    scene => sysctl(stack(scene, { prerouting: 4, forward: 4 }), 'bridge-nf-call-ip6tables'),
  ],
  [
    'bridge-nf-call-iptables',
    'detour',
    scene =>
      sysctl(seen(scene, { families: { ...scene.evidence.families, ip: NONE } }), 'bridge-nf-call-iptables'),
  ],
  ['nf-call-iptables', 'detour', scene => calls(stack(scene, { prerouting: 4 }), 'iptables')],
  ['nf-call-arptables', 'detour', scene => calls(scene, 'arptables')],
  ['spoke-late', 'unproven', scene => seen(scene, { late: true, inbound: null })],
  ['host-stack', 'detour', scene => stack(scene, { prerouting: 1 })],
  ['host-stack', 'detour', scene => stack(scene, { forward: 1 })],
  ['host-stack', 'detour', scene => stack(scene, { input: 1 })],
  ['host-stack', 'detour', scene => stack(scene, { arp: 1 })],
  ['host-stack', 'detour', scene => inbound(scene, { hostStack: { prerouting: 1, forward: 0 } })],
  ['host-stack', 'detour', scene => inbound(scene, { hostStack: { prerouting: 0, forward: 1 } })],
];

const ovsPort = (scene: Scene, name: string, error: string | null): Scene => {
  const { ovs } = scene.host;
  if (!ovs) return scene;
  const bridges = ovs.bridges.map(bridge => ({
    ...bridge,
    ports: bridge.ports.flatMap(it => (it.name !== name ? [it] : error === null ? [] : [{ ...it, error }])),
  }));
  return { ...scene, host: { ...scene.host, ovs: { ...ovs, bridges } } };
};

/** The same on a bridge of Open vSwitch. */
const BAD_OVS: typeof BAD = [
  ['guest-not-running', 'unproven', scene => ({ ...scene, domain: 'shutoff' })],
  ...(['tap', 'uplink'] as const).flatMap((role): (typeof BAD)[number][] => {
    const name = (scene: Scene) => (role === 'tap' ? tapOf(scene) : 'eth0');
    return [
      [`${role}-missing`, 'blocked', scene => withLink(scene, name(scene), null)],
      [`${role}-not-enslaved`, 'blocked', scene => ovsPort(scene, name(scene), null)],
      [`${role}-refused`, 'blocked', scene => ovsPort(scene, name(scene), 'could not open it')],
      [`${role}-down`, 'blocked', scene => withLink(scene, name(scene), { up: false })],
      [`${role}-no-carrier`, 'blocked', scene => withLink(scene, name(scene), { operState: 'DOWN' })],
    ];
  }),
  [
    'mac-on-another-port',
    'blocked',
    scene => seen(scene, { fdb: { mac: scene.target.nic.mac, port: 'eth0' } }),
  ],
  [
    'foreign-mac',
    'blocked',
    scene => seen(absent(scene), { strangers: [{ port: tapOf(scene), mac: STRANGER, frames: 5 }] }),
  ],
  ['no-capture', 'unproven', scene => seen(scene, { heard: null })],
  ['tap-egress-filter', 'blocked', scene => seen(silent(scene), { heard: false })],
  ['guest-silent', 'unproven', silent],
  ['wrong-vlan-tag', 'blocked', scene => inVlan(scene, 5)],
  ['vlan-not-carried', 'blocked', scene => inVlan(scene, 0, false)],
  ['routed', 'detour', scene => seen(scene, { rerouted: { mac: '02:00:00:00:00:01', translated: false } })],
  ['not-forwarded', 'blocked', scene => uplinkSaw(scene, 0, 0)],
  ['not-forwarded', 'blocked', scene => through(seen(scene, { uplink: null }), 6, 0, 0)],
  ['mtu', 'blocked', scene => seen(scene, { fullSize: { bytes: 1500, left: 0 } })],
  ['not-forwarded-in', 'blocked', scene => inbound(scene, { toTap: 0 })],
  ['host-stack', 'detour', scene => stack(scene, { prerouting: 1 })],
  ['spoke-late', 'unproven', scene => seen(scene, { late: true, inbound: null })],
];

describe('the verdict on a path', () => {
  test.each([true, false])('is direct where all is right (uplink: %s)', async uplink => {
    const check = judgePath(await directScene(uplink));
    expect(check).toMatchObject({ verdict: 'direct', reason: null, hint: null });
  });

  test.each(BAD)('%s is %s', async (reason, verdict, change) => {
    const check = judgePath(change(await directScene(true)));
    expect(check).toMatchObject({ name: 'path', vm: 'web', nic: 0, verdict, reason });
    expect(check.hint).toMatch(/\w{3}/);
  });

  test('is not spoilt by what a good path may show', async () => {
    const scene = await directScene(true);
    const good = [
      seen(scene, { bridge: { ...scene.evidence.bridge, input: 3 } }), // the guest also talks to the host
      seen(scene, { families: { ...scene.evidence.families, ip6: NONE } }), // all switches off: one family is enough
      { ...scene, domain: null },
      uplinkSaw(scene, 6, null), // no tcpdump
      seen(scene, { inbound: null, fullSize: null, first: null }),
      stack(scene, { neighbours: ['192.0.2.50 is …'], conntrack: 2, forwarded: 9 }), // the host's own talk
      port(scene, [tapOf(scene)], { isolated: true }), // from other guests, not from the uplink
      seen(scene, { strangers: [{ port: tapOf(scene), mac: STRANGER, frames: 1 }] }), // a nested guest
      inVlan(scene, 6),
    ];
    expect(good.map(it => judgePath(it).verdict)).toEqual(good.map(() => 'direct'));
  });

  test('with a switch of br_netfilter on, is direct only for a family that was seen to pass', async () => {
    expect(judgePath(sysctl(await directScene(true), 'bridge-nf-call-iptables')).verdict).toBe('direct');
  });

  test('says how to turn off every switch that is to blame', async () => {
    const both = sysctl(
      sysctl(await directScene(true), 'bridge-nf-call-iptables'),
      'bridge-nf-call-ip6tables',
    );
    const { hint } = judgePath(stack(both, { prerouting: 4 }));
    for (const table of ['iptables', 'ip6tables'])
      expect(hint).toContain(`sysctl -w net.bridge.bridge-nf-call-${table}=0`);
  });

  test('of a tap on another bridge says where it is', async () => {
    const scene = await directScene(true);
    expect(judgePath(withLink(scene, tapOf(scene), { master: 'br7' })).hint).toContain('it is a port of br7');
  });
});

describe('the verdict on a path through Open vSwitch', () => {
  test('is direct where all is right', async () => {
    expect(judgePath(await ovsScene())).toMatchObject({ verdict: 'direct', reason: null, hint: null });
  });

  test.each(BAD_OVS)('%s is %s', async (reason, verdict, change) => {
    const check = judgePath(change(await ovsScene()));
    expect(check).toMatchObject({ name: 'path', verdict, reason });
    expect(check.hint).toMatch(/\w{3}/);
  });

  test.each(Object.keys(OVS_CAUSES))('cannot do without %s', async name => {
    const others = Object.fromEntries(Object.entries(OVS_CAUSES).filter(([key]) => key !== name));
    const scene = await ovsScene();
    const missed = BAD_OVS.filter(([reason, , change]) => judgePath(change(scene), others).reason !== reason);
    expect(missed.map(([reason]) => reason)).not.toEqual([]);
  });
});

describe('the causes', () => {
  // Whatever else is judged: without one of them, some broken path goes by another name, or as direct.
  test.each(Object.keys(CAUSES.direct))('cannot do without %s', async name => {
    const others = Object.fromEntries(Object.entries(CAUSES.direct).filter(([key]) => key !== name));
    const scene = await directScene(true);
    const missed = BAD.filter(([reason, , change]) => judgePath(change(scene), others).reason !== reason);
    expect(missed.map(([reason]) => reason)).not.toEqual([]);
  });
});

describe('what dropped the frames is named', () => {
  const filter = (change: Partial<Filter>): Filter => ({
    family: 'bridge',
    hook: 'forward',
    devices: [],
    where: 'nft bridge table far, chain c',
    drops: ['policy drop'],
    toDockerUser: false,
    ...change,
  });
  const diagnosed = (scene: Scene, filters: Filter[], tc: TcFilter[] = []): string =>
    judgePath({ ...scene, diagnosis: { ...NO_DIAGNOSIS, filters, tc } }).hint ?? '';

  test('in the bridge', async () => {
    const lost = through(await directScene(true), 6, 0, 0);
    expect(diagnosed(lost, [filter({})])).toContain('nft bridge table far, chain c (policy drop)');
    expect(diagnosed(lost, [filter({ hook: 'input' })])).not.toContain('table far');
  });

  test("in the host's firewall, with the rule that lets bridged frames pass", async () => {
    const lost = stack(through(await directScene(true), 6, 0, 0), { prerouting: 3, forward: 3 });
    const docker = filter({
      family: 'ip',
      where: 'iptables chain FORWARD',
      drops: ['policy DROP', 'rule -A DOCKER-USER -j DROP'],
    });
    expect(judgePath({ ...lost, diagnosis: { ...NO_DIAGNOSIS, filters: [docker] } }).reason).toBe(
      'forward-drop',
    );
    expect(diagnosed(lost, [docker])).toContain('iptables -I DOCKER-USER -i br0 -o br0 -j ACCEPT');
    expect(diagnosed(lost, [{ ...docker, drops: ['policy DROP'] }])).toContain('iptables -I FORWARD');
  });

  test('at the ports, tc and netdev chains of that device alone', async () => {
    const lost = uplinkSaw(await directScene(true), 6, 0);
    const tc: TcFilter = { device: 'eth0', side: 'egress', text: 'u32 filter, pref 1' };
    const chain = filter({ family: 'netdev', hook: 'egress', devices: ['eth1'] });
    expect(diagnosed(lost, [chain], [tc])).toContain('tc egress of eth0: u32 filter, pref 1');
    expect(diagnosed(lost, [chain], [{ ...tc, side: 'ingress' }])).toContain('look at');
  });
});
