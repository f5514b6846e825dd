import { describe, expect, test } from 'vitest';
import { clientOf } from '../../../src/host/dhcp-clients.js';

const of = (command: string) => clientOf(command.split(' '));

describe('which interface a DHCP client looks after', () => {
  test.each([
    ['dhclient eth0', 'dhclient', 'eth0'],
    ['/sbin/dhclient -4 -v -i -pf /run/p -lf /l -I -df /d eth0', 'dhclient', 'eth0'],
    ['dhclient -cf /etc/my.conf -e IF_METRIC=100 -nw eth0', 'dhclient', 'eth0'],
    ['dhclient', 'dhclient', null],
    ['dhclient eth0 eth1', 'dhclient', null],
    ['udhcpc -i eth1', 'udhcpc', 'eth1'],
    ['udhcpc -bieth1', 'udhcpc', 'eth1'],
    ['udhcpc -R -n -p /run/udhcpc.eth1.pid -i eth1 -x hostname:box', 'udhcpc', 'eth1'],
    ['udhcpc --interface=eth1 -f', 'udhcpc', 'eth1'],
    ['udhcpc --interface eth1 -f', 'udhcpc', 'eth1'],
    ['/bin/busybox udhcpc -fi eth1', 'udhcpc', 'eth1'],
    ['udhcpc', 'udhcpc', 'eth0'],
    ['dhcpcd -q -t 30 -m 200 eth0', 'dhcpcd', 'eth0'],
    ['dhcpcd -qbt 30 eth0', 'dhcpcd', 'eth0'],
    ['/usr/sbin/dhcpcd -q', 'dhcpcd', null],
  ])('%s', (command, client, on) =>
    expect(of(command)).toMatchObject({ client, on, argv: command.split(' ') }),
  );

  test.each([
    ['dhcpcd: eth0 [ip4]', 'eth0', ['dhcpcd', '-4', 'eth0']],
    ['dhcpcd: eth0 [ip4] [ip6]', 'eth0', ['dhcpcd', 'eth0']],
    ['dhcpcd: [privileged proxy] eth0 [ip6]', 'eth0', ['dhcpcd', '-6', 'eth0']],
    ['dhcpcd: [manager] [ip4] [ip6]', null, ['dhcpcd']],
    ['dhcpcd: [master] [ip4]', null, ['dhcpcd']],
    ['dhcpcd: [privileged proxy]', null, ['dhcpcd']],
  ])('by its title: %s', (title, on, argv) =>
    expect(clientOf([title, 'p4]'])).toMatchObject({ client: 'dhcpcd', on, argv }),
  );
});

test.each([
  ['a helper of dhcpcd', ['dhcpcd: [network proxy] 192.0.2.7']],
  ['another helper', ['dhcpcd: [BPF ARP] eth0 192.0.2.7']],
  ['a client for IPv6, whose script clears the interface', ['dhclient', '-6', 'eth0']],
  [
    'a client that NetworkManager started',
    ['/sbin/dhclient', '-d', '-sf', '/usr/lib/NetworkManager/nm-dhcp-helper', 'eth0'],
  ],
  ['another applet of BusyBox', ['busybox', 'sleep', '9']],
  ['nothing', []],
])('%s is none', (_, argv) => expect(clientOf(argv)).toBeNull());

test('where leases are kept', () => {
  expect(of('dhclient -lf /run/l eth0')?.leaseFiles).toEqual(['/run/l']);
  expect(of('dhclient eth0')?.leaseFiles[0]).toBe('/var/lib/dhcp/dhclient.leases');
  expect(of('dhcpcd eth0')?.leaseFiles[0]).toBe('/var/lib/dhcpcd/eth0.lease');
  expect(of('udhcpc -i eth0')?.leaseFiles).toEqual([]);
});
