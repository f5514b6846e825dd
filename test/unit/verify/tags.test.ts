import { expect, test } from 'vitest';
import { segmentOf } from '../../../src/verify/segment.js';
import { sourceOf, tagged, untagged } from '../../../src/verify/tags.js';
import { labFrom } from '../../fakes/labs.js';

const FRAME = Buffer.from('ffffffffffff0200000000010806aabbccdd', 'hex');

test('a frame is put into a VLAN, and taken out of it', () => {
  const frame = tagged(FRAME, 10);
  expect(Buffer.from(frame).toString('hex')).toBe('ffffffffffff0200000000018100000a0806aabbccdd');
  expect(sourceOf(frame)).toBe('02:00:00:00:00:01');
  const captured = {
    ...{ timeUs: 0, ifindex: 1, direction: 'out' as const, mac: '02:00:00:00:00:01' },
    ...{ protocol: 0x8100, data: frame.subarray(14), length: 8 },
  };
  expect(untagged(captured)).toMatchObject({ vid: 10, protocol: 0x0806, length: 4 });
  expect(untagged({ ...captured, protocol: 0x0806 })).toMatchObject({ vid: null, length: 8 });
});

test('the VLAN of a NIC, and its tag on the uplink', () => {
  const lab = labFrom({
    version: 1,
    name: 'l',
    bridges: {
      br0: { uplink: 'eth0', vlanFiltering: true, uplinkVlan: { trunk: [10], native: 5 } },
      br1: { uplink: 'eth1' },
      ovs0: { type: 'ovs', uplink: 'eth2' },
      ovs1: { type: 'ovs' },
    },
    vms: {
      a: {
        boot: 'probe',
        nics: [
          { bridge: 'br0', vlan: { access: 10 } },
          { bridge: 'br0', vlan: { access: 5 } },
          { bridge: 'br0', vlan: { access: 20 } },
          { bridge: 'br0', vlan: { trunk: [10] } },
          { bridge: 'br0', vlan: { trunk: [5, 10, 20] } },
          { bridge: 'br1' },
          { bridge: 'ovs0', vlan: { trunk: [10], native: 30 } },
          { bridge: 'ovs0' },
          { bridge: 'ovs1' },
        ],
      },
    },
  });
  const nics = lab.vms.flatMap(vm => vm.nics);
  expect(
    nics.map(nic =>
      segmentOf(
        nic,
        lab.bridges.find(({ name }) => name === nic.bridge),
        lab,
      ),
    ),
  ).toEqual([
    { vid: 10, tag: 10, carried: true, others: [] },
    { vid: 5, tag: null, carried: true, others: [] },
    { vid: 20, tag: 20, carried: false, others: [] },
    { vid: null, tag: null, carried: false, others: [10] },
    // VLAN 20 is not on the uplink; VLAN 5 has no tag there.
    { vid: null, tag: null, carried: false, others: [null, 10] },
    null,
    { vid: 30, tag: 30, carried: true, others: [10] },
    { vid: 1, tag: null, carried: true, others: [] },
    null,
  ]);
});
