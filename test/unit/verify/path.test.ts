import { describe, expect, test } from 'vitest';
import type { PathEvidence } from '../../../src/verify/model.js';
import { judgePath } from '../../../src/verify/path.js';
import { directScene, type Scene, withLink } from '../../fakes/evidence.js';

const judge = ({ target, evidence, ...facts }: Scene) => judgePath(target, evidence, facts);

const seen = (scene: Scene, change: Partial<PathEvidence>): Scene => ({
  ...scene,
  evidence: { ...scene.evidence, ...change },
});

const sysctl = (scene: Scene, name: string): Scene => ({
  ...scene,
  host: { ...scene.host, sysctls: { ...scene.host.sysctls, [`net/bridge/${name}`]: '1' } },
});

const tapOf = ({ target }: Scene) => target.tap;
const SILENT: Partial<PathEvidence> = {
  bridge: { prerouting: 0, forward: 0, input: 0 },
  families: { ip: 0, ip6: 0 },
  fdb: null,
};
const silent = (scene: Scene) => seen(scene, { ...SILENT, tap: { name: tapOf(scene), received: 0 } });
const STACK = { prerouting: 4, forward: 4, input: 0, arp: 0 };

/** What makes a good path bad, and what it has to be called then. */
const BAD: [reason: string, verdict: string, (scene: Scene) => Scene][] = [
  ['guest-not-running', 'unproven', scene => ({ ...scene, alive: false })],
  ['guest-silent', 'unproven', silent],
  ['tap-missing', 'blocked', scene => withLink(silent(scene), tapOf(scene), null)],
  ['tap-not-enslaved', 'blocked', scene => withLink(silent(scene), tapOf(scene), { master: null })],
  ['tap-not-enslaved', 'blocked', scene => withLink(silent(scene), tapOf(scene), { master: 'br7' })],
  ['tap-down', 'blocked', scene => withLink(silent(scene), tapOf(scene), { up: false })],
  ['tap-no-carrier', 'blocked', scene => withLink(silent(scene), tapOf(scene), { operState: 'DOWN' })],
  [
    'tap-not-forwarding',
    'blocked',
    scene => withLink(silent(scene), tapOf(scene), { portState: 'listening' }),
  ],
  // Whatever was forwarded before: now nothing can be.
  ['tap-missing', 'blocked', scene => withLink(scene, tapOf(scene), null)],
  ['tap-not-enslaved', 'blocked', scene => withLink(scene, tapOf(scene), { master: null })],
  ['tap-not-enslaved', 'blocked', scene => withLink(scene, tapOf(scene), { master: 'br7' })],
  ['tap-down', 'blocked', scene => withLink(scene, tapOf(scene), { up: false })],
  ['tap-no-carrier', 'blocked', scene => withLink(scene, tapOf(scene), { operState: 'DOWN' })],
  ['tap-not-forwarding', 'blocked', scene => withLink(scene, tapOf(scene), { portState: 'learning' })],
  ['uplink-missing', 'blocked', scene => withLink(scene, 'eth0', null)],
  ['uplink-not-enslaved', 'blocked', scene => withLink(scene, 'eth0', { master: null })],
  ['uplink-down', 'blocked', scene => withLink(scene, 'eth0', { up: false })],
  ['uplink-no-carrier', 'blocked', scene => withLink(scene, 'eth0', { operState: 'LOWERLAYERDOWN' })],
  ['uplink-not-forwarding', 'blocked', scene => withLink(scene, 'eth0', { portState: 'blocking' })],
  [
    'mac-on-another-port',
    'blocked',
    scene => seen(scene, { fdb: { mac: scene.target.nic.mac, port: 'eth0' } }),
  ],
  [
    'dropped-at-tap',
    'blocked',
    scene => seen(scene, { ...SILENT, tap: { name: tapOf(scene), received: 6 } }),
  ],
  ['not-forwarded', 'blocked', scene => seen(scene, { bridge: { prerouting: 4, forward: 0, input: 0 } })],
  ['not-leaving', 'blocked', scene => seen(scene, { uplink: { name: 'eth0', egress: 0 } })],
  ['host-stack', 'detour', scene => seen(scene, { hostStack: STACK })],
  [
    'host-stack',
    'detour',
    scene => seen(scene, { hostStack: { ...STACK, prerouting: 0, forward: 0, arp: 1 } }),
  ],
  [
    'bridge-nf-call-iptables',
    'detour',
    scene => sysctl(seen(scene, { hostStack: STACK }), 'bridge-nf-call-iptables'),
  ],
  [
    'bridge-nf-call-ip6tables',
    'detour',
    scene => sysctl(seen(scene, { hostStack: STACK }), 'bridge-nf-call-ip6tables'),
  ],
  [
    'bridge-nf-call-iptables',
    'detour',
    scene => sysctl(seen(scene, { families: { ip: 0, ip6: 4 } }), 'bridge-nf-call-iptables'),
  ],
];

describe('the verdict on a path', () => {
  test.each([true, false])('is direct where all is right (uplink: %s)', async uplink => {
    expect(judge(await directScene(uplink))).toMatchObject({ verdict: 'direct', reason: null, hint: null });
  });

  test.each(BAD)('%s is %s', async (reason, verdict, change) => {
    const check = judge(change(await directScene(true)));
    expect(check).toMatchObject({ name: 'path', vm: 'web', nic: 0, verdict, reason });
    expect(check.hint).toMatch(/\w{3}/);
  });

  test('is not spoilt by what a good path may show', async () => {
    const scene = await directScene(true);
    const good = [
      seen(scene, { bridge: { prerouting: 4, forward: 4, input: 3 } }), // the guest also talks to the host
      seen(scene, { families: { ip: 4, ip6: 0 } }), // with both switches off, one family is enough
      { ...scene, alive: null },
    ];
    expect(good.map(it => judge(it).verdict)).toEqual(['direct', 'direct', 'direct']);
  });

  test('with a switch of br_netfilter on, is direct only for a family that was seen to pass', async () => {
    const scene = await directScene(true);
    expect(judge(sysctl(scene, 'bridge-nf-call-iptables')).verdict).toBe('direct');
    expect(
      judge(seen(sysctl(scene, 'bridge-nf-call-ip6tables'), { families: { ip: 2, ip6: 0 } })).verdict,
    ).toBe('detour');
  });

  test('says how to turn off every switch that is to blame, in one command', async () => {
    const both = sysctl(
      sysctl(await directScene(true), 'bridge-nf-call-iptables'),
      'bridge-nf-call-ip6tables',
    );
    expect(judge(seen(both, { hostStack: STACK })).hint).toContain(
      'sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0',
    );
  });

  test('of a tap on another bridge says where it is', async () => {
    const scene = await directScene(true);
    expect(judge(withLink(scene, tapOf(scene), { master: 'br7' })).hint).toContain('it is a port of br7');
  });

  test('names the cause that comes first on the way', async () => {
    const all = BAD.reduce((scene, [, , change]) => change(scene), await directScene(true));
    expect(judge({ ...all, alive: true }).reason).toBe('tap-missing');
  });

  // Each number that the verdict rests on, moved to a wrong value: whatever it is called, it is not direct.
  test.each([
    ['nothing reached the bridge', { bridge: { prerouting: 0, forward: 4, input: 0 } }],
    ['nothing was switched', { bridge: { prerouting: 4, forward: 0, input: 0 } }],
    ['nothing left', { uplink: { name: 'eth0', egress: 0 } }],
    ['the stack saw prerouting', { hostStack: { prerouting: 1, forward: 0, input: 0, arp: 0 } }],
    ['the stack forwarded', { hostStack: { prerouting: 0, forward: 1, input: 0, arp: 0 } }],
    ['the stack took it in', { hostStack: { prerouting: 0, forward: 0, input: 1, arp: 0 } }],
    ['the stack saw ARP', { hostStack: { prerouting: 0, forward: 0, input: 0, arp: 1 } }],
    ['the MAC is elsewhere', { fdb: { mac: '52:54:00:00:00:01', port: 'other' } }],
  ] satisfies [string, Partial<PathEvidence>][])('is never direct when %s', async (_, change) => {
    expect(judge(seen(await directScene(true), change)).verdict).not.toBe('direct');
  });
});
