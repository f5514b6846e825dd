import { expect, test } from 'vitest';
import { parseVlans } from '../../../src/host/vlans.js';

test('VLANs of bridge ports, alone and as a range', () => {
  const shown = [
    { ifname: 'br0', vlans: [{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }] },
    {
      ifname: 'eth0',
      vlans: [
        { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
        { vlan: 10, vlanEnd: 12 },
      ],
    },
    { ifname: 'tap0' },
  ];
  const plain = { pvid: false, untagged: false };
  const native = { vid: 1, pvid: true, untagged: true };
  expect(parseVlans(shown)).toEqual({
    br0: [native],
    eth0: [native, { vid: 10, ...plain }, { vid: 11, ...plain }, { vid: 12, ...plain }],
    tap0: [],
  });
});
