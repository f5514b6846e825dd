import { describe, expect, test } from 'vitest';
import type { Scene } from '../../../src/verify/causes/cause.js';
import { NO_DIAGNOSIS } from '../../../src/verify/diagnosis.js';
import { intentOf } from '../../../src/verify/intent.js';
import { isGood } from '../../../src/verify/model.js';
import { CAUSES, judgePath } from '../../../src/verify/path.js';
import type { Errand, WayOut } from '../../../src/verify/way/model.js';
import { directScene, isolatedScene, routedScene, withLink } from '../../fakes/evidence.js';

type Change = (scene: Scene) => Scene;
type Bad = readonly [reason: string, verdict: string, change: Change];

const seen = (scene: Scene, change: Partial<Scene['evidence']>): Scene => ({
  ...scene,
  evidence: { ...scene.evidence, ...change },
});

const way = (scene: Scene, change: Partial<WayOut>): Scene => {
  const now = scene.evidence.way;
  return now ? seen(scene, { way: { ...now, ...change } }) : scene;
};

/** Of the first errand. */
const errand =
  (change: Partial<Errand>): Change =>
  scene =>
    way(scene, {
      errands: (scene.evidence.way?.errands ?? []).map((it, i) => (i === 0 ? { ...it, ...change } : it)),
    });

const sysctls = (scene: Scene, all: Record<string, string>): Scene => ({
  ...scene,
  diagnosis: { ...scene.diagnosis, sysctls: all },
});

const NOTHING = { entered: 0, switched: 0 };
const silent: Change = scene =>
  seen(way(scene, { toHost: { entered: 0, input: 0, stack: 0 } }), {
    bridge: { name: 'br0', prerouting: 0, forward: 0, input: 0 },
    passed: { prerouting: 0, forward: 0, toUplink: 0, toTap: 6 },
    families: { ip: NOTHING, ip6: NOTHING, arp: NOTHING },
    multicast: 0,
    tap: { name: scene.target.tap, received: 0 },
    fdb: null,
  });

const STRANGER = '52:54:00:aa:aa:aa';
const GONE = { entered: 3, stack: 3, forward: 0, passed: [], left: [], captured: 0 };
const PASSED = [{ port: 'eth0', frames: 2 }];

/** What stops a frame before anything else is asked, whatever is meant. */
const ANY: readonly Bad[] = [
  ['guest-not-running', 'unproven', scene => ({ ...scene, domain: 'shutoff' })],
  ['tap-down', 'blocked', scene => withLink(scene, scene.target.tap, { up: false })],
  ['mac-on-another-port', 'blocked', scene => seen(scene, { fdb: { mac: scene.target.nic.mac, port: 'x' } })],
  ['guest-silent', 'unproven', silent],
  [
    'foreign-mac',
    'blocked',
    scene =>
      seen(silent(scene), {
        tap: { name: scene.target.tap, received: 5 },
        strangers: [{ port: scene.target.tap, mac: STRANGER, frames: 5 }],
      }),
  ],
  [
    'tap-ingress-filter',
    'blocked',
    scene => seen(silent(scene), { tap: { name: scene.target.tap, received: 5 } }),
  ],
  ['tap-egress-filter', 'blocked', scene => seen(silent(scene), { heard: false })],
  [
    'bridge-filter',
    'blocked',
    scene =>
      seen(silent(scene), {
        passed: { prerouting: 0, forward: 0, toUplink: 0, toTap: 0 },
      }),
  ],
  [
    'bridge-filter',
    'blocked',
    scene => seen(scene, { passed: { prerouting: 0, forward: 6, toUplink: 0, toTap: 6 } }),
  ],
];

const ROUTED: readonly Bad[] = [
  ...ANY,
  ['no-gateway', 'blocked', scene => way(scene, { errands: [] })],
  ['not-attempted', 'unproven', errand({ ...GONE, entered: 0, stack: 0, captured: null })],
  ['not-attempted', 'unproven', scene => seen(scene, { way: null })],
  ['not-to-host', 'unproven', scene => way(scene, { toHost: { entered: 0, input: 0, stack: 0 } })],
  ['bridge-filter', 'blocked', scene => way(scene, { toHost: { entered: 5, input: 0, stack: 0 } })],
  ['bridge-filter', 'blocked', errand({ ...GONE, stack: 0 })],
  ['forwarding-off', 'blocked', scene => sysctls(errand(GONE)(scene), { 'net/ipv4/ip_forward': '0' })],
  [
    'forwarding-off',
    'blocked',
    scene =>
      sysctls(errand(GONE)(scene), { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/br0/forwarding': '0' }),
  ],
  ['no-route', 'blocked', scene => ({ ...errand(GONE)(scene), host: { ...scene.host, routes: [] } })],
  ['host-filter', 'blocked', errand({ ...GONE, to: ['192.0.2.9'] })],
  ['forward-drop', 'blocked', errand({ ...GONE, forward: 3 })],
  ['host-filter', 'blocked', errand({ ...GONE, forward: 3, passed: PASSED })],
  ['no-next-hop', 'blocked', errand({ captured: 0 })],
];

const NAT: readonly Bad[] = [
  ['no-masquerade', 'blocked', errand({ left: [{ port: 'eth0', source: '10.77.0.253', frames: 3 }] })],
];

const AS_IT_IS: readonly Bad[] = [
  ['translated', 'detour', errand({ left: [{ port: 'eth0', source: '192.0.2.2', frames: 3 }] })],
];

const ISOLATED: readonly Bad[] = [
  ...ANY,
  ['foreign-port', 'leak', scene => way(scene, { foreignPorts: [{ port: 'eth9', frames: 4 }] })],
  ['foreign-port', 'leak', scene => way(scene, { foreignPorts: [{ port: 'eth9', frames: 0 }] })],
  ['forwarded', 'leak', errand({ forward: 2, passed: PASSED })],
  ['forwarded', 'leak', scene => way(scene, { forwarded: PASSED })],
  ['forwarded', 'leak', scene => silent(way(scene, { forwarded: PASSED }))],
  [
    'not-forwarded',
    'blocked',
    scene => seen(scene, { bridge: { name: 'br0', prerouting: 6, forward: 0, input: 0 } }),
  ],
  [
    'bridge-filter',
    'blocked',
    scene => seen(scene, { passed: { prerouting: 6, forward: 0, toUplink: 0, toTap: 6 } }),
  ],
  ['not-attempted', 'unproven', errand({ entered: 0, stack: 0 })],
  ['not-attempted', 'unproven', scene => seen(scene, { way: null })],
];

const MEANT = [
  ['nat', () => routedScene('nat'), [...ROUTED, ...NAT]],
  ['routed', () => routedScene('routed'), [...ROUTED, ...AS_IT_IS]],
  ['isolated', isolatedScene, ISOLATED],
] as const;

describe.each(MEANT)('a bridge that is meant to be %s', (mode, sceneOf, bad) => {
  test('is, where all is right', async () => {
    const check = judgePath(await sceneOf());
    expect(check).toMatchObject({ verdict: intentOf(mode), reason: null, hint: null });
    expect(isGood(check)).toBe(true);
  });

  test.each(bad)('%s is %s', async (reason, verdict, change) => {
    const check = judgePath(change(await sceneOf()));
    expect([check.reason, check.verdict]).toEqual([reason, verdict]);
    expect(check.hint).toMatch(/\w{3}/);
    expect(isGood(check)).toBe(false);
  });

  // Bridged frames may go through netfilter on their way to a neighbour: that is nothing that the lab speaks of.
  test('is not spoilt by what the host sees', async () => {
    const scene = await sceneOf();
    const hostStack = { ...scene.evidence.hostStack, prerouting: 4, forward: 4 };
    expect(judgePath(seen(scene, { hostStack })).verdict).toBe(intentOf(mode));
  });
});

describe('the causes', () => {
  const all = [
    ...Object.keys(CAUSES.routed).map(name => ['routed', name] as const),
    ...Object.keys(CAUSES.isolated).map(name => ['isolated', name] as const),
  ];
  // An uplink is the matter of bridged networks alone.
  test.each(all.filter(([, name]) => name !== 'uplink'))(
    'of %s cannot do without %s',
    async (intent, name) => {
      const missed: string[] = [];
      for (const [mode, sceneOf, bad] of MEANT) {
        if (intentOf(mode) !== intent) continue;
        const causes = Object.fromEntries(Object.entries(CAUSES[intent]).filter(([key]) => key !== name));
        const scene = await sceneOf();
        for (const [reason, , change] of bad)
          if (judgePath(change(scene), causes).reason !== reason) missed.push(reason);
      }
      expect(missed).not.toEqual([]);
    },
  );
});

describe('what is said', () => {
  const filter = {
    family: 'ip' as const,
    hook: 'forward',
    devices: [],
    where: 'iptables chain FORWARD',
    drops: ['policy DROP'],
    toDockerUser: true,
  };

  test('names the chain that drops, and the rule that lets pass', async () => {
    const scene = errand({ ...GONE, forward: 3 })(await routedScene('nat'));
    const { hint } = judgePath({ ...scene, diagnosis: { ...NO_DIAGNOSIS, filters: [filter] } });
    expect(hint).toContain('iptables chain FORWARD (policy DROP');
    expect(hint).toContain('"docker": "allow" on br0 in the lab file lets it pass in the chain DOCKER-USER');
    expect(hint).toContain('iptables -I DOCKER-USER -i br0 -j ACCEPT');
  });

  test('names the switch, and the device of a leak', async () => {
    const leaking = errand({ forward: 2, passed: PASSED })(await isolatedScene());
    const { hint } = judgePath(sysctls(leaking, { 'net/ipv4/ip_forward': '1' }));
    expect(hint).toContain('toward eth0: the host forwards (net.ipv4.ip_forward=1)');
    expect(hint).toContain('sysctl -w net.ipv4.conf.br0.forwarding=0');
  });

  test('names the filter of the device outside', async () => {
    const scene = errand({ captured: 0 })(await routedScene('nat'));
    const tc = [{ device: 'eth0', side: 'egress' as const, text: 'u32 filter, pref 1' }];
    const check = judgePath({ ...scene, diagnosis: { ...NO_DIAGNOSIS, tc } });
    expect([check.reason, check.hint]).toEqual([
      'egress-filter',
      expect.stringContaining('tc egress of eth0'),
    ]);
  });

  test('of IPv6 counts only where the verdict rests on it', async () => {
    const scene = await routedScene('nat');
    const six = {
      ...GONE,
      family: 'ip6' as const,
      decides: false,
      from: 'fd00::5',
      to: ['2001:2:0:1::5'],
      answers: [],
    };
    const with6 = (decides: boolean) =>
      judgePath(way(scene, { errands: [...(scene.evidence.way?.errands ?? []), { ...six, decides }] }))
        .verdict;
    expect([with6(false), with6(true)]).toEqual(['routed', 'blocked']);
  });
});

test('a domain that is not ours is asked for nothing but a switch', async () => {
  expect(judgePath(await directScene(false)).verdict).toBe('direct');
});
