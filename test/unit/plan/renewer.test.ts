import { expect, test } from 'vitest';
import { comeBack, follow, lettingBe, renews } from '../../../src/plan/renewer.js';
import { renamed } from '../../../src/plan/renewer-argv.js';
import { FakeHost } from '../../fakes/host.js';

test.each([
  ['dhclient eth0', 'dhclient br0'],
  ['dhclient -pf /run/dhclient.eth0.pid eth0', 'dhclient -pf /run/dhclient.br0.pid br0'],
  [
    'dhclient -lf /var/lib/dhcp/dhclient-eth0.leases eth0',
    'dhclient -lf /var/lib/dhcp/dhclient-br0.leases br0',
  ],
  [
    'dhclient -cf /etc/dhclient.eth0.conf -sf /etc/eth0 eth0',
    'dhclient -cf /etc/dhclient.eth0.conf -sf /etc/eth0 br0',
  ],
  ['dhclient -pf /run/eth01.pid eth0', 'dhclient -pf /run/eth01.pid br0'],
  ['udhcpc -bieth0', 'udhcpc -bibr0'],
  [
    'udhcpc --interface=eth0 -F eth0 -s /usr/share/eth0.script',
    'udhcpc --interface=br0 -F eth0 -s /usr/share/eth0.script',
  ],
  ['eth0 -i eth0', 'eth0 -i br0'],
])('%s becomes %s', (before, after) =>
  expect(renamed(before.split(' '), 'eth0', 'br0').join(' ')).toBe(after),
);

test('a name with characters that mean something elsewhere', () => {
  expect(renamed(['dhclient', '-pf', '/run/p.eth0.7+.pid', 'eth0.7+'], 'eth0.7+', 'br$1')).toEqual([
    ...['dhclient', '-pf', '/run/p.br$1.pid', 'br$1'],
  ]);
  expect(renamed(['dhclient', '-pf', '/run/p.eth0x7.pid', 'a'], 'eth0.7', 'br0')[2]).toBe(
    '/run/p.eth0x7.pid',
  );
});

test('a NIC that networkd has configured without a lease: it lets the port be, and takes it back', () => {
  const renewer = {
    client: 'systemd-networkd',
    on: 'eth0',
    argv: ['networkctl', 'reload'],
    leases: null,
  } as const;
  const before = { up: true, addrGenMode: null, moved: true, renewers: [renewer] };
  const path = '/run/systemd/network/00-vmnet+eth0.network';
  const reload = ['networkctl', 'reload'];
  const text = '[Match]\nName=eth0\n\n[Link]\nUnmanaged=yes\n';
  expect(follow(before, 'eth0', 'br0', [], true)).toEqual({
    before: [],
    after: [{ kind: 'tell', path, text, reload }],
  });
  expect(comeBack(before, 'eth0', 'br0', [])).toEqual({
    before: [],
    after: [{ kind: 'tell', path, text: null, reload }],
  });
});

test('where nothing moves, both managers have to let the port be, and no lease is moved; DHCP clients are not asked', () => {
  const clients = ['systemd-networkd', 'NetworkManager', 'dhclient'] as const;
  const host = new FakeHost();
  for (const client of clients)
    host.renewers.push({ client, on: 'eth0', argv: [client], leases: '/run/lease', settings: 'DHCP=yes' });
  const found = lettingBe('eth0', host.observe());
  expect(found.map(({ client }) => client)).toEqual(['systemd-networkd', 'NetworkManager']);
  expect(found.filter(renews)).toEqual([]);
});

test('a NIC of NetworkManager: it lets the port be when it starts again, and takes it back', () => {
  const argv = ['nmcli', 'connection', 'up', 'uuid', '6e1b', 'ifname', 'eth0'];
  const renewer = {
    client: 'NetworkManager',
    on: 'eth0',
    argv,
    leases: '/run/NetworkManager/devices/2',
  } as const;
  const before = { up: true, addrGenMode: null, moved: true, renewers: [renewer] };
  const conf = {
    kind: 'tell',
    path: '/run/NetworkManager/conf.d/90-vmnet+eth0.conf',
    text: '[device-vmnet+eth0]\nmatch-device=interface-name:=eth0\nmanaged=0\n',
    reload: ['nmcli', 'general', 'reload', 'conf'],
  };
  const start = {
    kind: 'tell',
    path: '/run/systemd/system/NetworkManager.service.d/vmnet+eth0.conf',
    text: '[Service]\nExecStartPre=-/bin/rm -f /run/NetworkManager/devices/2\n',
    reload: ['systemctl', 'daemon-reload'],
  };
  expect(follow(before, 'eth0', 'br0', [], true)).toEqual({ before: [], after: [conf, start] });
  expect(comeBack(before, 'eth0', 'br0', [])).toEqual({
    before: [],
    after: [
      { ...start, text: null },
      { ...conf, text: null },
      { kind: 'reactivate', dev: 'eth0', argv },
    ],
  });
});
