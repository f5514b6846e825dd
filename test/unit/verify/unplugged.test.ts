import { expect, test } from 'vitest';
import { nicMarksIn, nicMarksText } from '../../../src/lab/nic-marks.js';
import { closingLine, proofTable } from '../../../src/verify/describe.js';
import { explain } from '../../../src/verify/explain.js';
import { checkUnplugged } from '../../../src/verify/unplugged.js';
import { FakeHost } from '../../fakes/host.js';
import { labFrom } from '../../fakes/labs.js';

const MAC = '52:54:00:00:00:01';
const lab = labFrom({
  version: 1,
  name: 'l',
  bridges: { br0: {} },
  vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', mac: MAC, link: 'down' }, { bridge: 'br0' }] } },
});

function checks(state: string, link: 'up' | 'down' | null) {
  const host = new FakeHost().observe();
  const nics = link === null ? [] : [{ mac: MAC, device: 'ab', link, told: '-' }];
  const mark = { lab: 'l', vm: 'web', digest: '0', rest: '0', nics };
  const domain = { name: 'l-web', uuid: '', state, mark, liveMark: mark, xml: null, nics: [] };
  return checkUnplugged(lab, { ...host, libvirt: { uri: '', domains: [domain] } });
}

test('a NIC whose cable is pulled is as the lab says', () => {
  const found = checks('running', 'down');
  expect(found).toMatchObject([{ name: 'path', vm: 'web', nic: 0, verdict: 'down', reason: null }]);
  expect(proofTable(found)).toMatch(/web {4}0 .* down/);
  expect(explain(found)).toContain('web, NIC 0: down, as the lab says');
  expect(closingLine('l', 0, found)).toBe('l: nothing to change');
});

test.each([
  ['in the running guest it is up', 'running', 'up'],
  ['the guest, which is shutoff, has no such NIC', 'shutoff', null],
] as const)('%s: that is said', (words, state, link) => {
  const [check] = checks(state, link);
  expect(check).toMatchObject({ verdict: 'unproven', reason: 'link-not-down' });
  expect(check?.hint).toContain(words);
});

test("a mark's NICs are written and read", () => {
  const nics = [
    { mac: MAC, device: '0a1b', link: 'up', told: '-' },
    { mac: '52:54:00:00:00:02', device: 'ff', link: 'down', told: '12' },
  ] as const;
  expect(nicMarksIn(`<endpoint lab='l' nics='${nicMarksText(nics)}'/>`)).toEqual(nics);
  expect(nicMarksIn("<endpoint nics=''/>")).toEqual([]);
  expect(nicMarksIn("<endpoint lab='l'/>")).toBeNull();
  expect(nicMarksIn("<endpoint nics='52:54:00:00:00:01/zz/up/-'/>")).toBeNull();
});
