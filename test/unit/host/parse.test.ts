import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeIproute2 } from '../../../src/drivers/iproute2.js';
import { parseLink } from '../../../src/host/links.js';
import { parseNeighbour, parseRoute, parseRule } from '../../../src/host/routes.js';
import { fakeRun } from '../../fakes/run.js';

const FOLDER = new URL('../../fixtures/host/namespace/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');

/** four.txt and six.txt are what iproute2 6.1 printed for the links and routes of commands.txt in an empty namespace. */
test('what ip prints becomes what we mean', async () => {
  const { run, calls } = fakeRun(command => ({
    stdout: read(command.includes('-6') ? 'six.txt' : 'four.txt'),
  }));
  const dump = await makeIproute2(run, '/nowhere').dump();
  expect(calls.map(({ command }) => command)).toEqual(['ip -j -d -batch -', 'ip -6 -j -d -batch -']);
  const state = {
    links: dump.links.map(parseLink),
    routes: [
      ...dump.routes4.map(json => parseRoute(json, 4)),
      ...dump.routes6.map(json => parseRoute(json, 6)),
    ].filter(route => route !== null),
    rules: [...dump.rules4.map(json => parseRule(json, 4)), ...dump.rules6.map(json => parseRule(json, 6))],
    neighbours: dump.neighbours.map(parseNeighbour),
  };
  expect(state).toEqual(JSON.parse(read('expected.json')));
});

test('values of unexpected types count as absent', () => {
  expect(parseLink({})).toMatchObject({
    index: 0,
    name: '',
    kind: null,
    tap: null,
    bridge: null,
    addresses: [],
  });
  expect(
    parseLink({ ifindex: '1', flags: 'UP', altnames: [1, 'a'], linkinfo: [], addr_info: {} }),
  ).toMatchObject({
    index: 0,
    up: false,
    altnames: ['a'],
    addresses: [],
  });
  expect(parseRoute({ metric: '5', nexthops: 'x', metrics: [{ mtu: 'lots' }] }, 4)).toMatchObject({
    dst: 'default',
    table: 'main',
    metric: null,
    nexthops: [],
    metrics: [],
  });
  expect(parseNeighbour({ dst: '192.0.2.1', dev: 'eth0' })).toBeNull();
});

test('who made an address is told where iproute2 tells it', () => {
  const local = { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' };
  const { addresses } = parseLink({ addr_info: [{ ...local, protocol: 'kernel_ll' }, local] });
  expect(addresses.map(({ protocol }) => protocol)).toEqual(['kernel_ll', null]);
});

test('routes that follow from addresses are no routes of ours', () => {
  for (const type of ['local', 'broadcast', 'multicast', 'anycast'])
    expect(parseRoute({ type, dst: '192.0.2.1', table: 'main' }, 4)).toBeNull();
  expect(parseRoute({ dst: '192.0.2.1', table: 'local' }, 4)).toBeNull();
  expect(parseRoute({ type: 'blackhole', dst: '192.0.2.0/24', table: 100 }, 4)).toMatchObject({
    type: 'blackhole',
    table: '100',
    dev: null,
  });
});
