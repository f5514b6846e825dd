import { expect, test } from 'vitest';
import type { HostState, Manager } from '../../../src/host/model.js';
import { planUnmanaged } from '../../../src/plan/unmanaged.js';
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
