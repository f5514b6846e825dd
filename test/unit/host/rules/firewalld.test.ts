import { expect, test } from 'vitest';
import { firewalldZones, zoneRules, zonesOf } from '../../../../src/host/rules/firewalld.js';
import { fakeRun } from '../../../fakes/run.js';

const UPLINKS = [{ device: 'eth0', bridge: 'br0' }];

/** The form of `firewall-cmd --get-active-zones`, of 1.x and of 2.x. */
const ACTIVE = `home
  interfaces: eth0 wlan0
docker
  interfaces: docker0
`;
const ACTIVE_2 = `public (default)
  interfaces: eth0
  sources: 192.0.2.0/24
`;

/** Of `firewall-cmd --permanent --list-all-zones`, in part. */
const ALL = `block
  target: %%REJECT%%
  interfaces: 
  services: 

work
  target: default
  interfaces: eth0
  services: ssh
  rich rules: 
	rule family="ipv4" source address="192.0.2.1" accept
`;

test('zones by interface', () => {
  expect([...zonesOf(ACTIVE)]).toEqual([
    ['eth0', 'home'],
    ['wlan0', 'home'],
    ['docker0', 'docker'],
  ]);
  expect([...zonesOf(ACTIVE_2)]).toEqual([['eth0', 'public']]);
  expect([...zonesOf(ALL)]).toEqual([['eth0', 'work']]);
});

test('the bridge would be in the default zone: more or less trusted, or the same', () => {
  const effects = (zone: string, to: string) =>
    zoneRules('runtime', new Map([['eth0', zone]]), to, UPLINKS).map(({ effect }) => effect);
  expect(effects('trusted', 'public')).toEqual(['locks-out']);
  expect(effects('drop', 'public')).toEqual(['opens-up']);
  expect(effects('mine', 'public')).toEqual(['no-longer-applies']);
  expect(effects('public', 'public')).toEqual([]);
  const both = new Map([
    ['eth0', 'home'],
    ['br0', 'home'],
  ]);
  expect(zoneRules('runtime', both, 'public', UPLINKS)).toEqual([]);
});

/** Drivers of a host with these answers. */
function host(systemd: boolean, answers: Readonly<Record<string, string>>) {
  const { run, calls } = fakeRun(command => ({ stdout: answers[command] ?? '' }));
  const drivers = { run, kernel: { hasSystemd: async () => systemd } };
  return { drivers: drivers as unknown as Parameters<typeof firewalldZones>[1], calls };
}

test('it is asked now and for later, and only where its network is ours', async () => {
  const answers = {
    'firewall-cmd --get-default-zone': 'public\n',
    'firewall-cmd --get-active-zones': ACTIVE,
    'firewall-cmd --permanent --list-all-zones': ALL,
  };
  expect(await firewalldZones(UPLINKS, host(true, answers).drivers)).toEqual([
    {
      device: 'eth0',
      where: 'firewalld zone home (runtime)',
      text: 'eth0 is in it, br0 would be in public',
      effect: 'locks-out',
    },
    {
      device: 'eth0',
      where: 'firewalld zone work (permanent)',
      text: 'eth0 is in it, br0 would be in public',
      effect: 'locks-out',
    },
  ]);
  const elsewhere = host(false, answers);
  expect(await firewalldZones(UPLINKS, elsewhere.drivers)).toEqual([]);
  expect(elsewhere.calls).toEqual([]);
});

test('where it does not run there are no zones', async () => {
  const { drivers, calls } = host(true, {});
  expect(await firewalldZones(UPLINKS, drivers)).toEqual([]);
  expect(calls).toHaveLength(1);
});
