import { expect, test } from 'vitest';
import type { Drivers } from '../../../src/drivers/drivers.js';
import type { Link } from '../../../src/host/model.js';
import { connectionIn, networkManagerHolds } from '../../../src/host/network-manager.js';
import { managersOf } from '../../../src/host/owners.js';

test.each([
  ['6e1b-00', '[device]\nmanaged=true\nconnection-uuid=6e1b-00\n'],
  [null, '[device]\nmanaged=false\n'],
  [null, '[device]\nmanaged=true\n'],
  [null, '[device]\nmanaged=true\nconnection-uuid=a b\n'],
  [null, ''],
])('the connection in a state file: %s', (expected, state) => expect(connectionIn(state)).toBe(expected));

/** A host with these files and processes, under systemd. */
const hostWith = (files: Record<string, string>, comms: readonly string[], hasSystemd = true) =>
  ({
    kernel: { hasSystemd: async () => hasSystemd, exists: async () => true },
    files: { read: async (path: string) => files[path] ?? null },
    processes: {
      named: async (wanted: readonly string[]) =>
        comms.filter(comm => wanted.includes(comm)).map(comm => ({ comm })),
    },
  }) as unknown as Drivers;

test('uplinks that NetworkManager has a connection for, and how that is activated', async () => {
  const links = [
    { name: 'eth0', index: 2 },
    { name: 'eth1', index: 3 },
  ] as Link[];
  const state = { '/run/NetworkManager/devices/3': 'managed=true\nconnection-uuid=6e1b\n' };
  const held = (devices: string[], hasSystemd = true) =>
    networkManagerHolds(devices, links, hostWith(state, [], hasSystemd));
  expect(await held(['eth0', 'eth1'])).toEqual([
    {
      client: 'NetworkManager',
      on: 'eth1',
      argv: ['nmcli', '--wait', '15', 'connection', 'up', 'uuid', '6e1b', 'ifname', 'eth1'],
      leases: '/run/NetworkManager/devices/3',
    },
  ]);
  expect(await held(['eth0'])).toEqual([]);
  expect(await held(['eth1'], false)).toEqual([]);
});

test('a manager is one that runs, or that left our word behind', async () => {
  const path = '/run/NetworkManager/conf.d/90-vmnet-l.conf';
  const names = async (...of: Parameters<typeof hostWith>) =>
    (await managersOf('l', hostWith(...of))).map(({ name, text }) => [name, text]);
  expect(await names({}, [])).toEqual([]);
  expect(await names({}, ['NetworkManager'])).toEqual([['NetworkManager', null]]);
  expect(await names({}, ['systemd-network'])).toEqual([['systemd-networkd', null]]);
  expect(await names({ [path]: 'managed=0' }, [])).toEqual([['NetworkManager', 'managed=0']]);
  expect(await names({}, ['NetworkManager'], false)).toEqual([]);
});
