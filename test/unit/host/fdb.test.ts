import { expect, test } from 'vitest';
import { parseFdb } from '../../../src/host/fdb.js';

/** What `bridge -j fdb show` of iproute2 6.1 prints for a bridge with two ports, one of which has heard a machine. */
const PRINTED = [
  { mac: '33:33:00:00:00:01', ifname: 'eth0', flags: ['self'], state: 'permanent' },
  { mac: '02:00:00:00:00:aa', ifname: 'eth0', flags: [], master: 'br0', state: '' },
  { mac: '02:00:00:00:00:ab', ifname: 'eth0', flags: ['extern_learn'], master: 'br0', state: '' },
  { mac: '02:00:00:00:00:01', ifname: 'eth0', flags: [], master: 'br0', state: 'permanent' },
  { mac: '02:00:00:00:00:02', ifname: 'tap0', flags: [], master: 'br0', state: 'static' },
  { mac: '02:00:00:00:00:03', ifname: 'vxlan0', dst: '192.0.2.9', flags: ['self'] },
];

test('only what was learned is kept of a forwarding database', () => {
  expect(parseFdb(PRINTED)).toEqual([
    { mac: '02:00:00:00:00:aa', bridge: 'br0', port: 'eth0' },
    { mac: '02:00:00:00:00:ab', bridge: 'br0', port: 'eth0' },
  ]);
});
