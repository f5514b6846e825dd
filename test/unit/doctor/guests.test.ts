import { expect, test } from 'vitest';
import { judgeClones } from '../../../src/doctor/guests.js';
import { labFrom } from '../../fakes/labs.js';

const clones = (vm: object, nic: object = {}) =>
  judgeClones(
    labFrom({
      version: 1,
      name: 'l',
      bridges: { br0: {} },
      groups: { g: { boot: { image: 'debian.qcow2' }, ...vm } },
      vms: { 'a{index}': { group: 'g', count: 2, nics: [{ bridge: 'br0', ...nic }] } },
    }),
  );

test('clones of one image that ask for addresses by DHCP are told', () => {
  const [finding] = clones({});
  expect(finding).toMatchObject({ id: 'clones', status: 'warning' });
  expect(finding?.found).toContain('a1, a2 lie over one image, "/labs/debian.qcow2"');
  expect(finding?.fix).toContain('"cloudInit": {}');
});

test.each([
  [{ cloudInit: {} }, {}],
  [{}, { address: '192.0.2.{index}/24' }],
  [{ boot: 'probe' }, {}],
])('but not with %j and %j', (vm, nic) => expect(clones(vm, nic)).toEqual([]));
