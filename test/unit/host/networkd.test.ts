import { describe, expect, test } from 'vitest';
import type { Drivers } from '../../../src/drivers/drivers.js';
import type { Link } from '../../../src/host/model.js';
import { configures, networkdLeases, settingsFrom } from '../../../src/host/networkd.js';

const LEASE = 'ADDRESS=192.0.2.7\nCLIENTID=ffd161b56300020000ab110033bdebf95e192c\n';

test('settings for another interface: no [Match], no [Link], the same client id, and what is there is kept', () =>
  expect(
    settingsFrom(
      '# lan\n[Match]\nName=eth0\n\n[Link]\nMTUBytes=1400\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nUseDNS=no\n',
      LEASE,
    ),
  ).toBe(
    '[Network]\nDHCP=ipv4\n\n[DHCPv4]\nUseDNS=no\n\n[DHCPv4]\nIAID=3512841571\n\n[Network]\nKeepConfiguration=static\n',
  ));

test('a client id that is the MAC stays so by itself', () =>
  expect(settingsFrom('[Network]\nDHCP=yes\n', 'CLIENTID=01020000000001\n')).toBe(
    '[Network]\nDHCP=yes\n\n[Network]\nKeepConfiguration=static\n',
  ));

describe('what is tied to the interface cannot be taken over', () => {
  test.each(['VLAN=lan.7', 'Bond = b0', 'Bridge=br9'])('%s', line =>
    expect(settingsFrom(`[Network]\nDHCP=yes\n${line}\n`, LEASE)).toBeNull(),
  );
});

test.each([
  [true, 'ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/20-eth0.network\n'],
  [false, 'ADMIN_STATE=unmanaged\nNETWORK_FILE=/run/systemd/network/00-vmnet+eth0.network\n'],
  [false, 'ADMIN_STATE=configured\n'],
  [false, ''],
])('an interface that networkd looks after: %s', (expected, state) =>
  expect(configures(state)).toBe(expected),
);

const STATE = 'ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/20-eth0.network\n';

describe('a leased interface', () => {
  test.each([
    ['a file alone', 'NETWORK_FILE_DROPINS=""\n', true],
    ['a file alone, as older releases say', 'NETWORK_FILE_DROPINS=\n', true],
    ['a file with drop-ins', 'NETWORK_FILE_DROPINS="/etc/systemd/network/20-eth0.network.d/a.conf"\n', false],
    ['a file with drop-ins, without quotes', 'NETWORK_FILE_DROPINS=/etc/a.conf\n', false],
  ])('by %s', async (_, dropIns, moved) => {
    const read: Record<string, string> = {
      '/run/systemd/netif/links/2': `${STATE}${dropIns}`,
      '/run/systemd/netif/leases/2': LEASE,
      '/etc/systemd/network/20-eth0.network': '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n',
    };
    const drivers = {
      kernel: { hasSystemd: async () => true },
      files: { read: async (path: string) => read[path] ?? null },
    } as unknown as Drivers;
    const [found] = await networkdLeases(['eth0'], [{ name: 'eth0', index: 2 } as Link], drivers);
    // Without settings it is told to let the port be, whose lease then ends.
    expect(found).toMatchObject({ client: 'systemd-networkd', on: 'eth0' });
    expect(found?.leases).toBe(moved ? '/run/systemd/netif/leases/2' : null);
    expect(found?.settings === undefined).toBe(!moved);
  });
});
