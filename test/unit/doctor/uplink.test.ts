import { describe, expect, test } from 'vitest';
import {
  judgeCandidates,
  judgeOwners,
  judgeUplink,
  type NicFacts,
  uplinkProblem,
} from '../../../src/doctor/uplink.js';
import type { Link } from '../../../src/host/model.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { labFrom } from '../../fakes/labs.js';

const FACTS: NicFacts = { carrier: true, speed: 1000, driver: 'e1000e' };
const link = (more: Partial<Link> = {}) => ({ name: 'eth0', up: true, ...more }) as Link;

describe('an uplink', () => {
  test.each<[string, Partial<Link>, Partial<NicFacts>, string, string]>([
    ['in order', {}, {}, 'ok', 'Ethernet, driver e1000e, 1000 Mbit/s; has carrier'],
    ['virtual', {}, { driver: null, speed: null }, 'ok', 'Ethernet; has carrier'],
    ['without a cable', {}, { carrier: false }, 'warning', 'no carrier'],
    ['that is down', { up: false }, { carrier: null, speed: null }, 'warning', 'it is down'],
  ])('%s', (_, of, facts, status, found) => {
    const finding = judgeUplink('eth0', null, link(of), { ...FACTS, ...facts });
    expect(finding).toMatchObject({ id: 'uplink', subject: 'eth0', status });
    expect(finding.found).toContain(found);
  });

  test('that is not there, or is Wi-Fi, is a fault in the words of the plan', async () => {
    const host = (await hostFrom({ links: { eth1: {}, wlan0: {} }, wireless: ['wlan0'] })).observe();
    const problem = (uplink: string) => {
      const [bridge] = labFrom({ version: 1, name: 'l', bridges: { br0: { uplink } } }).bridges;
      return bridge ? uplinkProblem(bridge, host) : null;
    };
    expect(problem('eth1')).toBeNull();
    const wifi = judgeUplink('wlan0', problem('wlan0'), link(), FACTS);
    expect([wifi.status, wifi.found]).toEqual(['fault', expect.stringContaining('Wi-Fi')]);
    const missing = judgeUplink('eth7', problem('eth7'), null, null);
    expect([missing.status, missing.found]).toEqual(['fault', expect.stringContaining('no interface eth7')]);
    expect(missing.fix).toContain('eth1');
  });
});

describe('who manages it', () => {
  const networkManager = {
    name: 'NetworkManager' as const,
    how: 'connection "Wired 1"',
    effect: 'it takes the port back',
  };
  test.each([
    ['nobody looked', null, []],
    ['nobody', [], ['ok']],
    ['NetworkManager', [networkManager], ['warning']],
  ])('%s', (_, owners, statuses) => {
    expect(judgeOwners('eth0', owners).map(({ status }) => status)).toEqual(statuses);
  });

  test('is named, with what to do', () => {
    expect(judgeOwners('eth0', [networkManager])[0]).toMatchObject({
      id: 'uplink-owner',
      subject: 'eth0',
      found: 'looked after by NetworkManager (connection "Wired 1"): it takes the port back',
    });
  });
});

describe('interfaces that could be uplinks', () => {
  const nic = (name: string, wireless = false) => ({ link: link({ name }), wireless, facts: FACTS });
  test.each([
    ['a wired one', [nic('eth0'), nic('wlan0', true)], 'ok', 'could be one: eth0, driver'],
    ['Wi-Fi alone', [nic('wlan0', true)], 'warning', 'only Wi-Fi: wlan0'],
    ['none', [], 'warning', 'no interface'],
  ])('%s', (_, nics, status, found) => {
    const finding = judgeCandidates(nics);
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(found);
  });
});
