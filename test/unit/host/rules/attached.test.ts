import { expect, test } from 'vitest';
import { filterPlaces, filterRules, qdiscRules } from '../../../../src/host/rules/tc.js';
import { xdpPrograms } from '../../../../src/host/rules/xdp.js';

const UPLINKS = [{ device: 'eth0', bridge: 'br0' }];

test("the kernel's own queues have no handle, and no filters worth asking for", () => {
  // tc 6.1 on a machine with several queues, and on one that somebody shaped.
  const own = [
    { kind: 'mq', handle: '0:', dev: 'eth0', root: true },
    { kind: 'fq_codel', handle: '0:', dev: 'eth0', parent: ':1' },
    { kind: 'noqueue', handle: '0:', dev: 'lo', root: true },
  ];
  expect(filterPlaces(own)).toEqual([]);
  expect(qdiscRules(own, UPLINKS)).toEqual([]);
  const shaped = [
    { kind: 'htb', handle: '1:', dev: 'eth0', root: true },
    { kind: 'fq_codel', handle: '10:', dev: 'eth0', parent: '1:10' },
    { kind: 'ingress', handle: 'ffff:', dev: 'eth0', parent: 'ffff:fff1' },
  ];
  expect(filterPlaces(shaped)).toEqual([
    { dev: 'eth0', at: 'root' },
    { dev: 'eth0', at: 'ingress' },
  ]);
  expect(qdiscRules(shaped, UPLINKS).map(({ where }) => where)).toEqual(['tc qdisc htb 1:']);
});

test('actions that not every kernel has count like any other', () => {
  const drop = { kind: 'flower', pref: 1, options: { handle: 1, actions: [{ kind: 'gact' }] } };
  const police = { kind: 'matchall', pref: 2, options: { handle: 1, actions: [{ kind: 'police' }] } };
  const at = (dev: string) => filterRules({ dev, at: 'ingress' }, [drop, police], UPLINKS).length;
  expect([at('eth0'), at('eth1')]).toEqual([2, 0]);
});

test('XDP programs, one or several', () => {
  const one = { mode: 1, prog: { id: 7 } };
  const links = (xdp: object | undefined) => [
    { ifname: 'eth0', xdp },
    { ifname: 'eth1', xdp: one },
  ];
  const told = (xdp: object | undefined) =>
    xdpPrograms(links(xdp), UPLINKS).map(({ where, text }) => `${where}: ${text}`);
  expect(told(undefined)).toEqual([]);
  expect(told(one)).toEqual(['XDP program: driver, id 7']);
  // As ip 6.1 prints it.
  const prog = { id: 106, name: 'pass', tag: '614b434cd8324ecc', jited: 1 };
  expect(told({ mode: 2, prog, attached: [{ mode: 2, prog }] })).toEqual([
    'XDP program pass: generic, id 106',
  ]);
  expect(told({ mode: 4, attached: [one, { mode: 3, prog: { id: 9 } }] })).toEqual([
    'XDP program: driver, id 7',
    'XDP program: hardware, id 9',
  ]);
});
