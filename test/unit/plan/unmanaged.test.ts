import { expect, test } from 'vitest';
import type { HostState, Manager, Owner, Renewer } from '../../../src/host/model.js';
import { ownerNotes, planUnmanaged } from '../../../src/plan/unmanaged.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const lab = labFrom({
  version: 1,
  name: 'homelab',
  bridges: { br0: {} },
  vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', tap: 'web0' }] } },
});

const textFor = (name: Manager['name']) => {
  const host: HostState = { ...new FakeHost().observe(), managers: [{ name, path: '/run/x', text: null }] };
  const [action] = planUnmanaged(lab, host)[0]?.do ?? [];
  return action?.kind === 'tell' ? [action.text, ...(action.reload ?? [])] : [];
};

// NetworkManager.conf(5), "device section" and "device list format"; systemd.network(5), [Match] and [Link].
test('what NetworkManager is told', () =>
  expect(textFor('NetworkManager')).toEqual([
    '[device-vmnet-homelab]\nmatch-device=interface-name:=br0;interface-name:=web0\nmanaged=0\n',
    ...['nmcli', 'general', 'reload', 'conf'],
  ]));

test('what systemd-networkd is told', () =>
  expect(textFor('systemd-networkd')).toEqual([
    '[Match]\nName=br0 web0\n\n[Link]\nUnmanaged=yes\n',
    ...['networkctl', 'reload'],
  ]));

const owner = (name: Owner['name']): Owner => ({
  name,
  how: 'it says so',
  effect: 'something may come of it',
});

test.each([
  ['nobody was asked', [], ['systemd-networkd', 'netplan', 'ifupdown']],
  ['systemd-networkd was told to let it be', ['systemd-networkd'], ['ifupdown']],
  ['another client was moved', ['dhclient'], ['systemd-networkd', 'netplan', 'ifupdown']],
])('who looks after an uplink, where %s', async (_, clients, named) => {
  const onUplink = labFrom({ version: 1, name: 'homelab', bridges: { br0: { uplink: 'eth0' } } });
  const owners = { eth0: (['systemd-networkd', 'netplan', 'ifupdown'] as const).map(owner) };
  const host = (await hostFrom({ links: { eth0: {} }, owners })).observe();
  const renewers = clients.map(client => ({ client, on: 'eth0', argv: [], leases: null }) as Renewer);
  expect(ownerNotes(onUplink, { ...host, renewers })).toEqual(
    named.map(name => `eth0 is looked after by ${name} (it says so): something may come of it`),
  );
});
