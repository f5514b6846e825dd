import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDrivers } from '../../src/drivers/drivers.js';
import { buildProbe } from '../../src/guest/build.js';
import { plainNetwork } from '../../src/sandbox/network.js';
import { type Answer, Box } from '../support/box.js';
import { startServer } from '../support/dhcp.js';

// The proof on guests of many kinds, all real and booted once; the later chapters measure the same ones in other ways.

let box: Box;

const MAC = (n: number) => `52:54:00:00:00:${n}`;
const nic = (n: number, ...address: string[]) => ({ bridge: 'br0', mac: MAC(n), address });

/** @param words of the kernel's command line */
const guest = (boot: object, nics: readonly ReturnType<typeof nic>[], words: string, lease = '') => {
  const said = nics.map(({ mac, address }) => `vmnet.nic=${[mac, ...address].join(',')}${lease}`);
  const cmdline = ['console=ttyS0', 'quiet', 'panic=-1', 'net.ifnames=0', ...said, words].join(' ').trim();
  // What has no address in the lab has none to be asked at.
  const asked = nics.map(({ address, ...rest }) => (address.length > 0 ? { ...rest, address } : rest));
  return { boot: { ...boot, cmdline }, memory: '128MiB', nics: asked };
};

beforeAll(async () => {
  const second = { ...plainNetwork('eth1'), host: [], lan: ['198.51.100.1/24'], gateways: [] };
  box = await Box.up([plainNetwork('eth0'), second]);
  await box.lan('mount', '-t', 'tmpfs', 'dhcp', '/var/lib/misc');
  await startServer(box);
  const drivers = makeDrivers({}, process.env);
  const boot = await buildProbe(drivers);
  await drivers.close();
  const file = await box.lab({
    name: 'kinds',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
    vms: {
      four: guest(boot, [nic(50, '192.0.2.50/24')], 'ipv6.disable=1'),
      six: guest(boot, [nic(51, 'fd00:db8::51/64')], ''),
      mute: guest(boot, [nic(52, '192.0.2.52/24', 'fd00:db8::52/64')], 'vmnet.mute'),
      twin: guest(boot, [nic(53, '192.0.2.53/24'), nic(54, '192.0.2.54/24', 'fd00:db8::54/64')], ''),
      leased: guest(boot, [nic(55)], 'ipv6.disable=1', ',dhcp'),
    },
  });
  const up = await box.vmnet('provision', '--no-verify', file);
  expect(up.json.error).toBeNull();
});

afterAll(() => box?.down());

interface Path {
  readonly vm: string;
  readonly nic: number;
  readonly verdict: string;
  readonly reason: string | null;
  readonly hint: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
  readonly evidence: any;
}

const pathsOf = (answer: Answer): Path[] =>
  answer.json.checks.filter((check: { name: string }) => check.name === 'path');

const verdicts = (answer: Answer) =>
  Object.fromEntries(pathsOf(answer).map(({ vm, nic, verdict, reason }) => [`${vm} ${nic}`, reason ?? verdict]));

const ALL_DIRECT = {
  'four 0': 'direct',
  'six 0': 'direct',
  'mute 0': 'direct',
  'twin 0': 'direct',
  'twin 1': 'direct',
  'leased 0': 'direct',
};

describe('guests of many kinds', () => {
  it('are all proven direct, and nothing is said of them that is not so', async () => {
    const answer = await box.vmnet('verify', 'kinds', '--timeout', '60');
    expect(verdicts(answer)).toEqual(ALL_DIRECT);
    const of = (vm: string, index = 0) =>
      pathsOf(answer).find(path => path.vm === vm && path.nic === index)?.evidence;
    console.log(JSON.stringify(pathsOf(answer), null, 1));
    expect(of('four').families.ip6).toEqual({ entered: 0, switched: 0 });
    expect(of('six').families.ip).toEqual({ entered: 0, switched: 0 });
  });
});
