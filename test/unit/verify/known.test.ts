import { describe, expect, test } from 'vitest';
import { subnetOf } from '../../../src/verify/addresses.js';
import { arpProbe, arpReply, echoRequest, solicitation } from '../../../src/verify/frames.js';
import { makeKnown } from '../../../src/verify/known.js';
import { type Frame, parseFrame } from '../../../src/verify/packets.js';
import { partsOf } from '../../../src/verify/sweep.js';
import { targetsOf } from '../../../src/verify/targets.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const MAC = '52:54:00:00:00:01';
const OURS = '02:00:00:00:00:01';
const us = { mac: OURS, ip: '192.0.2.254' };

function guest(address: string[]) {
  const lab = labFrom({
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', mac: MAC, address }] } },
  });
  const [target] = targetsOf(lab, new FakeHost().observe());
  if (!target) throw new Error('no target');
  const known = makeKnown([target], new Set([OURS]));
  return { known, target, hear: (bytes: Uint8Array) => known.hear(parseFrame(bytes) as Frame) };
}

describe('what is known of a guest', () => {
  test('is what the lab says, and the address that its MAC gives', () => {
    const { known, target } = guest(['192.0.2.5/24']);
    expect(known.of(target)).toEqual([
      { address: '192.0.2.5', by: 'lab', heard: false },
      { address: 'fe80::5054:ff:fe00:1', by: 'derived', heard: false },
    ]);
  });

  test('and then what the guest says, by its own word rather than by hearsay', () => {
    const { known, target, hear } = guest(['192.0.2.5/24']);
    const echo = (ip: string) => hear(echoRequest({ mac: MAC, ip }, us, { id: 1, sequence: 1 }));
    hear(arpReply({ mac: MAC, ip: '192.0.2.5' }, us));
    echo('198.51.100.1');
    echo('198.51.100.2');
    hear(arpReply({ mac: MAC, ip: '198.51.100.2' }, us));
    hear(solicitation({ mac: MAC, ip: '::' }, 'fd00:db8::7'));
    expect(known.of(target)).toEqual([
      { address: '192.0.2.5', by: 'lab', heard: true },
      { address: 'fe80::5054:ff:fe00:1', by: 'derived', heard: false },
      { address: '198.51.100.1', by: 'source', heard: false },
      { address: '198.51.100.2', by: 'arp', heard: true },
      { address: 'fd00:db8::7', by: 'nd', heard: true },
    ]);
  });

  test('is bounded, whatever a guest says', () => {
    const { known, target, hear } = guest([]);
    for (let i = 1; i < 200; i++) hear(arpReply({ mac: MAC, ip: `198.51.100.${i}` }, us));
    expect(known.of(target)).toHaveLength(16);
  });

  test('addresses are in use whoever says so, but not by us, and not by a probe', () => {
    const { known, hear } = guest([]);
    hear(arpReply({ mac: '02:00:00:00:00:99', ip: '192.0.2.9' }, us));
    hear(arpReply(us, { mac: MAC, ip: '192.0.2.5' }));
    hear(arpProbe('02:00:00:00:00:99', '192.0.2.8'));
    expect(['192.0.2.9', '192.0.2.254', '192.0.2.8'].map(known.isUsed)).toEqual([true, false, false]);
  });
});

describe('a sweep', () => {
  const parts = (...cidrs: string[]) =>
    partsOf(cidrs.flatMap(cidr => subnetOf(cidr) ?? [])).map(({ text, addresses }) => [
      text,
      addresses[0],
      addresses.at(-1),
      addresses.length,
    ]);

  test.each([
    [['192.0.2.2/24'], [['192.0.2.0/24', '192.0.2.1', '192.0.2.254', 254]]],
    [['10.1.6.9/8'], [['10.0.0.0/8', '10.1.4.1', '10.1.7.254', 1022]]],
    [['10.0.0.1/22', '192.0.2.2/24'], [['10.0.0.0/22', '10.0.0.1', '10.0.3.254', 1022]]],
    [['192.0.2.1/32'], []],
    [['192.0.2.1/30'], [['192.0.2.0/30', '192.0.2.1', '192.0.2.2', 2]]],
  ])('of %j', (cidrs, expected) => expect(parts(...cidrs)).toEqual(expected));
});
