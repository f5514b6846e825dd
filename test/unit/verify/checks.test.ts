import { describe, expect, test } from 'vitest';
import type { Link } from '../../../src/host/model.js';
import { checkAddress, checkDomain, checkFdb, checkTap, checkUplink } from '../../../src/verify/checks.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { directScene, withLink } from '../../fakes/evidence.js';
import { labFrom } from '../../fakes/labs.js';

describe('a domain', () => {
  const file = {
    version: 1,
    name: 'l',
    bridges: { br0: {} },
    vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  };
  const [vm] = labFrom(file).vms;

  test.each([
    ['running', 'ok', null],
    ['blocked', 'ok', null],
    ['paused', 'failed', 'guest-not-running'],
    ['shutoff', 'failed', 'guest-not-running'],
    ['crashed', 'failed', 'guest-not-running'],
  ])('that is %s is %s', async (state, verdict, reason) => {
    if (!vm) throw new Error('no VM');
    const host = (await hostFrom({ applied: [file], states: { 'l-web': state } })).observe();
    expect(checkDomain(vm, host)).toMatchObject({ name: 'domain', vm: 'web', nic: null, verdict, reason });
  });

  test('that is not there, or was not asked for, failed', async () => {
    if (!vm) throw new Error('no VM');
    const host = (await hostFrom({})).observe();
    expect(checkDomain(vm, host).hint).toBe('the domain l-web is not defined: run vmnet provision');
    expect(checkDomain(vm, { ...host, libvirt: null }).verdict).toBe('failed');
  });
});

describe('a tap', () => {
  test.each<[string, Partial<Link> | null, string | null]>([
    ['in order', {}, null],
    ['gone', null, 'tap-missing'],
    ['down', { up: false }, 'tap-down'],
    ['on no bridge', { master: null }, 'tap-not-enslaved'],
    ['on another bridge', { master: 'br7' }, 'tap-not-enslaved'],
    ['not forwarding', { portState: 'learning' }, 'tap-not-forwarding'],
  ])('%s', async (_, change, reason) => {
    const scene = await directScene(true);
    const check = checkTap(scene.target, withLink(scene, scene.target.tap, change).host, scene.settings);
    expect(check).toMatchObject({ name: 'tap', verdict: reason ? 'failed' : 'ok', reason });
    expect(check.hint === null).toBe(reason === null);
  });

  test('is found by its mark, whatever it is called now', async () => {
    const scene = await directScene(true);
    const renamed = withLink(scene, scene.target.tap, { name: 'elsewhere' });
    const target = { ...scene.target, tap: 'elsewhere' };
    expect(checkTap(target, renamed.host, scene.settings).verdict).toBe('ok');
  });
});

describe('a port that sends back what comes in', () => {
  test('is found at the tap and at the uplink', async () => {
    const { target, host } = await directScene(true);
    const flags = { isolated: false, hairpin: true, flood: true };
    const settings = {
      ports: new Map([
        [target.tap, flags],
        ['eth0', flags],
      ]),
      calls: new Map(),
    };
    expect(checkTap(target, host, settings)).toMatchObject({ verdict: 'failed', reason: 'tap-hairpin' });
    expect(checkUplink(target, settings)).toMatchObject([{ verdict: 'failed', reason: 'uplink-hairpin' }]);
    expect(checkUplink({ ...target, uplink: null }, settings)).toEqual([]);
  });
});

describe("the guest's address", () => {
  test("is the guest's alone, in the lab file and on the wire", async () => {
    const { target, host } = await directScene(true);
    const shared = (await hostFrom({ links: { other0: { addresses: ['192.0.2.9/32'] } } })).observe();
    const named = { ...target, nic: { ...target.nic, addresses: ['192.0.2.9/24'] } };
    expect(checkAddress(named, [], host).verdict).toBe('ok');
    expect(checkAddress(named, [], shared)).toMatchObject({ verdict: 'failed', reason: 'address-on-host' });
    expect(checkAddress(target, ['192.0.2.9'], shared).hint).toContain('ip address del 192.0.2.9 dev other0');
  });
});

describe('the forwarding database', () => {
  test.each([
    ['own', 'ok', null],
    ['eth0', 'failed', 'mac-on-another-port'],
    [null, 'failed', 'mac-not-learned'],
  ])('that has the MAC on %s is %s', async (where, verdict, reason) => {
    const { target } = await directScene(true);
    expect(checkFdb(target, where === 'own' ? target.tap : where)).toMatchObject({
      name: 'fdb',
      verdict,
      reason,
    });
  });
});
