import { describe, expect, test } from 'vitest';
import type { Link } from '../../../src/host/model.js';
import { checkDomain, checkFdb, checkTap } from '../../../src/verify/checks.js';
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
    const check = checkTap(scene.target, withLink(scene, scene.target.tap, change).host);
    expect(check).toMatchObject({ name: 'tap', verdict: reason ? 'failed' : 'ok', reason });
    expect(check.hint === null).toBe(reason === null);
  });

  test('is found by its mark, whatever it is called now', async () => {
    const scene = await directScene(true);
    const renamed = withLink(scene, scene.target.tap, { name: 'elsewhere' });
    expect(checkTap({ ...scene.target, tap: 'elsewhere' }, renamed.host).verdict).toBe('ok');
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
