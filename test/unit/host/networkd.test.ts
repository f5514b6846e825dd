import { describe, expect, test } from 'vitest';
import type { Drivers } from '../../../src/drivers/drivers.js';
import type { Link } from '../../../src/host/model.js';
import { fileOf, networkdLeases, settingsFrom } from '../../../src/host/networkd.js';

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

const FILE = '/etc/systemd/network/20-eth0.network';

test.each([
  [FILE, `ADMIN_STATE=configured\nNETWORK_FILE=${FILE}\n`],
  [FILE, `ADMIN_STATE=configuring\nNETWORK_FILE=${FILE}\n`],
  [null, 'ADMIN_STATE=unmanaged\nNETWORK_FILE=/run/systemd/network/00-vmnet+eth0.network\n'],
  [null, 'ADMIN_STATE=configured\n'],
  [null, ''],
])('the file that an interface goes by: %s', (expected, state) => expect(fileOf(state)).toBe(expected));

test.each([
  ['by a lease, with settings that can be taken over', '[Network]\nDHCP=yes\n', '', LEASE, true],
  [
    'by a lease, with settings that can be, as newer releases say',
    '[Network]\nDHCP=yes\n',
    '""',
    LEASE,
    true,
  ],
  ['by a lease, with settings in drop-ins', '[Network]\nDHCP=yes\n', `${FILE}.d/a.conf`, LEASE, false],
  ['by a lease, with drop-ins in quotes', '[Network]\nDHCP=yes\n', `"${FILE}.d/a.conf"`, LEASE, false],
  ['by a lease, with settings tied to it', '[Network]\nDHCP=yes\nVLAN=lan.7\n', '', LEASE, false],
  ['without a lease', '[Network]\nLinkLocalAddressing=no\n', '', null, false],
])('an interface that networkd looks after %s', async (_, text, dropIns, lease, movable) => {
  const files: Record<string, string | null> = {
    '/run/systemd/netif/links/2': `ADMIN_STATE=configured\nNETWORK_FILE=${FILE}\nNETWORK_FILE_DROPINS=${dropIns}\n`,
    '/run/systemd/netif/leases/2': lease,
    [FILE]: text,
  };
  const drivers = {
    kernel: { hasSystemd: async () => true },
    files: { read: async (path: string) => files[path] ?? null },
  } as unknown as Drivers;
  const found = await networkdLeases(['eth0'], [{ name: 'eth0', index: 2 }] as Link[], drivers);
  expect(found).toMatchObject([{ client: 'systemd-networkd', on: 'eth0' }]);
  expect(found[0]?.settings !== undefined).toBe(movable);
});
