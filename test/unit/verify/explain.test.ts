import { describe, expect, test } from 'vitest';
import { nothingSeen } from '../../../src/verify/evidence.js';
import { explain } from '../../../src/verify/explain.js';
import type { PathEvidence } from '../../../src/verify/model.js';
import { judgePath } from '../../../src/verify/path.js';
import { directScene } from '../../fakes/evidence.js';

const scene = await directScene(true);
const { tap, nic } = scene.target;

const told = (change: Partial<PathEvidence>) =>
  explain([judgePath({ ...scene, evidence: { ...scene.evidence, ...change } })]);
const { evidence } = scene;
const { hostStack, inbound, uplink, first } = evidence;

test('a direct path, sentence by sentence', () => {
  expect(
    told({
      addresses: ['192.0.2.10', 'fe80::1'],
      first: first && { ...first, atUs: 1_700_000_000_000_000 },
    }).split('\n  '),
  ).toEqual([
    'web, NIC 0: direct.',
    `Guest → LAN: 8 frames came in through ${tap}; 6 unicast and 2 multicast of the guest reached br0, which handed 6 unicast copies to eth0; 6 were captured leaving eth0 behind all filters, with the guest's own MAC.`,
    `The first frame, an ARP reply of 28 bytes, came in at ${tap} at 2023-11-14T22:13:20.000Z and left eth0 20 µs later, byte for byte the same.`,
    `LAN → guest: of the unicast that came in at eth0, 3 passed its ingress hook, 3 reached br0 and 3 were handed to ${tap}; 3 were captured behind all its filters.`,
    'Full size: asked with 1500 bytes and "don\'t fragment"; answers of that size that left: 1.',
    "The host's IP stack saw none of it; its neighbour table does not know the guest; it tracks no connections; it forwarded 0 packets of anybody's meanwhile.",
    `br0 has learned ${nic.mac} on ${tap}; addresses seen: 192.0.2.10, fe80::1.`,
    'Asked by: IPv6 echo request to all nodes.',
  ]);
});

describe('the sentence', () => {
  test.each<[string, Partial<PathEvidence>, string]>([
    ['of one frame', { tap: { name: tap, received: 1 } }, `1 frame came in through ${tap}`],
    [
      'without an uplink',
      { uplink: null, inbound: null },
      'reached br0, which switched 6 copies to other ports.',
    ],
    [
      'where nothing was captured',
      { uplink: uplink && { ...uplink, captured: null } },
      '6 passed the egress hook of eth0 (nothing was captured there).',
    ],
    ['of a frame that never left', { first: first && { ...first, left: null } }, 'was not seen to leave.'],
    [
      'of a frame by any other name',
      { first: first && { ...first, what: 'neighbour advertisement' } },
      'The first frame, a neighbour advertisement of',
    ],
    [
      'where nothing could be sent in',
      { inbound: null },
      'LAN → guest: nothing could be sent in at the uplink.',
    ],
    [
      'of a way in that was not captured',
      { inbound: inbound && { ...inbound, captured: null } },
      `3 were handed to ${tap}.`,
    ],
    [
      'of what the host saw',
      { hostStack: { ...hostStack, prerouting: 4, forward: 3, input: 2, arp: 1 } },
      "The host's IP stack saw it: prerouting 4, forward 3, input 2, ARP 1, on the way in 0 and 0",
    ],
    [
      'of what it saw without a way in',
      { inbound: null, hostStack: { ...hostStack, arp: 1 } },
      "The host's IP stack saw it: prerouting 0, forward 0, input 0, ARP 1;",
    ],
    [
      'of what it knows',
      {
        hostStack: {
          ...hostStack,
          neighbours: ['A is M on br0', 'B is M on br0'],
          conntrack: 2,
          forwarded: 5,
        },
      },
      "its neighbour table: A is M on br0, B is M on br0; it tracks 2 of the guest's connections; it forwarded 5 packets",
    ],
    [
      'of a MAC that was not learned',
      { fdb: null },
      "br0 has not learned the guest's MAC; no address of it was seen.",
    ],
    [
      'of others',
      { strangers: [{ port: tap, mac: '02:00:00:00:00:66', frames: 3 }] },
      `other senders: 02:00:00:00:00:66 on ${tap} (3).`,
    ],
    ['of one who was only listened to', { tried: [] }, 'Asked by: nothing, it was only listened to.'],
  ])('%s', (_, change, words) => {
    expect(told(change)).toContain(words);
  });

  test('is left out where there is nothing to tell', () => {
    const text = told({ first: null, fullSize: null, uplink: null, inbound: null });
    expect(text).not.toMatch(/The first frame|Full size|LAN → guest/);
    expect(text).not.toContain('\n  \n');
  });

  test('of the first frame blames no bridge without an uplink, where none is watched', () => {
    const text = told({ uplink: null, inbound: null, first: first && { ...first, left: null } });
    expect(text).toMatch(/The first frame, [^;]*Z\.\n/);
  });
});

test('of a silent guest, what is wrong comes first', () => {
  const text = explain([judgePath({ ...scene, evidence: nothingSeen(scene.target) })]);
  expect(text).toMatch(/^web, NIC 0: unproven, since no frame from the guest was seen/);
  expect(text).toContain(`0 frames came in through ${tap}`);
});

test('every NIC has its paragraph; other checks have none', () => {
  const path = judgePath(scene);
  expect(explain([path, { ...path, name: 'fdb' }, path]).split('\n\n')).toHaveLength(2);
  expect(explain([])).toBe('');
});
