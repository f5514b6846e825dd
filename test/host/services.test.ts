import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// DHCP and DNS on bridges of a lab's own, by a dnsmasq each; and the subnets that vmnet chooses for them.

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
  // What a DHCP client's script would write is not the host's.
  before = await box.snapshot();
});

afterEach(() => box?.down());

const provision = (file: string, ...flags: string[]) =>
  box.vmnetAsIs('provision', '--network-only', ...flags, file);

/** Our dnsmasq processes, by bridge. */
async function servers(): Promise<Record<string, number>> {
  const { stdout } = await box.attempt('host', 'pgrep', '-a', 'dnsmasq');
  return Object.fromEntries(
    [...stdout.matchAll(/^(\d+) .*\/services\/[^/]+\/(\S+?)\.[0-9a-f]{16}\.conf/gm)].map(([, pid, bridge]) => [
      bridge,
      Number(pid),
    ]),
  );
}

const MAC = '52:54:00:00:00:01';

/** A guest's place on a bridge: a namespace of its own with a cable to it. */
async function plugIn(name: string, bridge: string, mac: string): Promise<void> {
  await box.run('ip', 'netns', 'add', name);
  await box.run(
    ...['ip', 'link', 'add', `p-${name}`, 'type', 'veth'],
    ...['peer', 'name', 'eth0', 'address', mac, 'netns', name],
  );
  await box.run('ip', 'link', 'set', `p-${name}`, 'master', bridge, 'up');
  await box.run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
  await box.run('ip', '-n', name, 'link', 'set', 'lo', 'up');
}

async function unplug(name: string): Promise<void> {
  await box.run('ip', 'link', 'del', `p-${name}`);
  await box.run('ip', 'netns', 'del', name);
  await box.attempt('host', 'rmdir', '/run/netns');
}

/** Ask for a lease as a guest, and take the address; what the script was told. */
async function lease(name: string): Promise<Record<string, string>> {
  const script = `${box.folder}/script`;
  const text = `#!/bin/sh\n[ "$1" = bound ] || exit 0\nip address add "$ip/$mask" dev "$interface"\necho "ip=$ip"; echo "router=$router"; echo "dns=$dns"; echo "domain=$domain"; echo "lease=$lease"\n`;
  await box.run('sh', '-c', `printf '%s' "$1" > "$2" && chmod 755 "$2"`, 'sh', text, script);
  const out = await box.run(
    ...['ip', 'netns', 'exec', name, 'busybox', 'udhcpc'],
    ...['-q', '-n', '-f', '-t', '10', '-T', '1', '-i', 'eth0', '-s', script],
  );
  return Object.fromEntries([...out.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]));
}

/** What a name is for a guest; the raw answer of nslookup. */
const lookUp = async (name: string, what: string, server: string) =>
  (await box.attempt('host', 'ip', 'netns', 'exec', name, 'busybox', 'nslookup', what, server)).stdout;

const NAT = {
  name: 'nat',
  bridges: { br1: { mode: 'nat', address: '10.1.0.1/24', dhcp: { leaseTime: '30m', domain: 'lab.test' } } },
  vms: { Web_1: { boot: 'probe', nics: [{ bridge: 'br1', mac: MAC, address: '10.1.0.50/24' }] } },
};

describe('a guest of a lab with NAT', () => {
  it('gets the address of its MAC, and finds others by name; a stranger gets one of the range', async () => {
    const first = await provision(await box.lab(NAT));
    expect(first.json.error).toBeNull();
    expect(first.json.steps.map(({ title }: { title: string }) => title)).toContain('start dnsmasq on br1');
    await plugIn('g1', 'br1', MAC);
    await plugIn('g2', 'br1', '52:54:00:00:00:99');
    expect(await lease('g1')).toEqual({
      ...{ ip: '10.1.0.50', router: '10.1.0.1', dns: '10.1.0.1', domain: 'lab.test', lease: '1800' },
    });
    expect((await lease('g2')).ip).toMatch(/^10\.1\.0\.1\d\d$/);
    expect(await lookUp('g2', 'web_1.lab.test', '10.1.0.1')).toContain('Address: 10.1.0.50');
    expect(await lookUp('g2', 'nobody.lab.test', '10.1.0.1')).not.toContain('10.1.0.50');

    const status = await box.vmnet('status', 'nat');
    const [bridge] = status.json.bridges;
    expect(bridge).toMatchObject({ name: 'br1', mode: 'nat', present: true, addresses: ['10.1.0.1/24'] });
    expect(bridge.dhcp).toMatchObject({ state: 'running', domain: 'lab.test' });
    expect(bridge.dhcp.leases).toHaveLength(2);
    expect(bridge.dhcp.leases).toContainEqual(
      expect.objectContaining({ mac: MAC, address: '10.1.0.50', name: 'web_1' }),
    );
    expect((await box.vmnetText('status', 'nat')).stdout).toContain('10.1.0.50');

    const { json } = await box.vmnet('verify', '--timeout', '1', 'nat');
    const services = json.checks.filter(({ bridge }: { bridge?: string }) => bridge === 'br1');
    expect(services.map(({ name, verdict, hint }: Record<string, string>) => [name, verdict, hint])).toEqual([
      ['dhcp', 'ok', null],
      ['dns', 'ok', null],
    ]);
    expect((await provision(await box.lab(NAT))).json).toMatchObject({ ok: true, changed: 0 });
    for (const name of ['g1', 'g2']) await unplug(name);
    expect((await box.vmnet('destroy', 'nat')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
