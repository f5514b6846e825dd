import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { Lines } from '../support/lines.js';
import { EXHAUSTIVE, killedBefore, momentsOf } from '../support/moments.js';

// DHCP and DNS on bridges of a lab's own, by a dnsmasq each; and the subnets that vmnet chooses for them.

const LEASE_TAKER = fileURLToPath(new URL('../support/lease-taker.mjs', import.meta.url));

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up();
  // `ip netns` leaves its folder, which is no trace of vmnet.
  await box.run('ip', 'netns', 'add', 'warm');
  await box.run('ip', 'netns', 'del', 'warm');
  for (let tries = 0; tries < 50 && (await box.run(...TENTATIVE)) !== ''; tries++) await sleep(100);
  before = await box.snapshot();
});

afterEach(() => box?.down());

/** Addresses that the kernel has not tried yet, and makes no routes for. */
const TENTATIVE = ['ip', '-6', '-o', 'address', 'show', 'tentative'];

const provision = (file: string, ...flags: string[]) =>
  box.vmnetAsIs('provision', '--network-only', ...flags, file);

/** Our dnsmasq processes, by bridge. */
async function servers(): Promise<Record<string, number>> {
  const { stdout } = await box.attempt('host', 'pgrep', '-a', 'dnsmasq');
  return Object.fromEntries(
    [...stdout.matchAll(/^(\d+) .*\/services\/[^/]+\/(\S+?)\.[0-9a-f]{16}\.conf/gm)].map(
      ([, pid, bridge]) => [bridge, Number(pid)],
    ),
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

  it('may take the very address that the check of DNS was offered: that asks from another one', async () => {
    await provision(await box.lab(NAT));
    // The first question is lost, so that the client is always in time.
    const rule = 'add rule inet fw in udp dport 53 numgen inc mod 100 0 drop';
    await box.run(
      'nft',
      `add table inet fw; add chain inet fw in { type filter hook input priority 0; }; ${rule}`,
    );
    const taker = new Lines(box, 'host', [process.execPath, LEASE_TAKER, 'br1', box.folder]);
    await taker.until('a client on br1', () => taker.lines.includes('ready'));
    const { json } = await box.vmnet('verify', '--timeout', '1', 'nat');
    await taker.until('its lease', () => taker.lines.length > 1);
    expect(taker.lines).toEqual(['ready', expect.stringMatching(/^10\.1\.0\.1\d\d$/)]);
    const [dhcp, dns] = json.checks.filter(({ bridge }: { bridge?: string }) => bridge === 'br1');
    expect([dhcp.verdict, Object.values(dhcp.evidence.offers)]).toEqual([
      'ok',
      expect.arrayContaining([taker.lines[1], '10.1.0.50']),
    ]);
    expect([dns.verdict, dns.evidence.addresses]).toEqual(['ok', ['10.1.0.50']]);
    await taker.end();
    await box.run('nft', 'delete table inet fw');
    await box.vmnet('destroy', 'nat');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

const isolated = (name: string, address: unknown) => ({
  name,
  bridges: { [`br-${name}`]: { mode: 'isolated', address, dhcp: true } },
});

const addressOf = async (bridge: string) =>
  /inet (\S+)/.exec(await box.run('ip', '-4', '-o', 'address', 'show', 'dev', bridge))?.[1] ?? '';

describe('dnsmasq', () => {
  it('that died is started again, and one that has other things to serve anew; leases and the subnet stay', async () => {
    const lab = { name: 'auto', bridges: { br1: { mode: 'nat' } } };
    const file = await box.lab(lab);
    expect((await provision(file)).json.error).toBeNull();
    const [subnet, { br1: first = 0 }] = [await addressOf('br1'), await servers()];
    expect(subnet).toMatch(/^10\.(19[2-9]|2[01]\d|22[0-3])\.\d+\.1\/24$/);
    await plugIn('g1', 'br1', MAC);
    const { ip } = await lease('g1');
    expect((await provision(file)).json).toMatchObject({ ok: true, changed: 0 });
    expect(await servers()).toEqual({ br1: first });

    await box.run('kill', '-9', String(first));
    expect((await box.vmnet('status', 'auto')).json.bridges[0].dhcp.state).toBe('dead');
    const { json } = await box.vmnet('verify', '--timeout', '1', 'auto');
    expect(json.checks.map(({ name, reason }: Record<string, string>) => [name, reason])).toEqual([
      ['dhcp', 'not-running'],
      ['dns', 'not-running'],
    ]);
    const again = await provision(file);
    expect(again.json.steps.map(({ title }: { title: string }) => title)).toEqual(['start dnsmasq on br1']);
    expect((await lease('g1')).ip).toBe(ip);

    const changed = { ...lab, bridges: { br1: { mode: 'nat', dhcp: { dns: ['192.0.2.53'] } } } };
    const restarted = await provision(await box.lab(changed));
    expect(restarted.json.steps.map(({ title }: { title: string }) => title)).toEqual([
      'restart dnsmasq on br1',
    ]);
    expect(await lease('g1')).toMatchObject({ ip, dns: '192.0.2.53' });
    expect(await addressOf('br1')).toBe(subnet);

    // A bridge of the same name is another device.
    await box.run('ip', 'link', 'del', 'br1');
    expect((await provision(file)).json.steps.map(({ title }: { title: string }) => title)).toEqual([
      'create bridge br1',
      'forward IPv4 from br1',
      'restart dnsmasq on br1',
    ]);
    await box.run('ip', 'link', 'set', 'p-g1', 'master', 'br1');
    expect((await lease('g1')).ip).toBe(ip);
    expect(await addressOf('br1')).toBe(subnet);

    const off = await provision(await box.lab({ ...lab, bridges: { br1: { mode: 'nat', dhcp: false } } }));
    expect(off.json.steps.map(({ title }: { title: string }) => title)).toEqual(['stop dnsmasq on br1']);
    expect(await servers()).toEqual({});
    await unplug('g1');
    await box.vmnet('destroy', 'auto');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('of others is left alone, also where it has the port; the lab is undone, in its own words', async () => {
    await box.run('mkdir', '-p', '/run/other');
    await box.run('dnsmasq', '--conf-file=/dev/null', '--no-resolv', '--pid-file=/run/other/pid');
    const there = await box.snapshot();
    const { code, json } = await provision(await box.lab(NAT));
    expect([code, json.error.code]).toEqual([1, 'command-failed']);
    expect(json.error.message).toContain('dnsmasq does not start on br1: failed to create listening socket');
    expect(json.error.message).toContain('in use');
    expect(json.error.hint).toContain('ss -lunp');
    expect(await box.differenceFrom(there)).toEqual([]);
    await box.run('sh', '-c', 'kill $(cat /run/other/pid) && sleep 0.2 && rm -r /run/other');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('behind a firewall that drops what guests ask: the checks fail, and say so', async () => {
    const file = await box.lab(NAT);
    await provision(file);
    const chain = 'add chain inet fw in { type filter hook input priority 0; }';
    const rules = [53, 67].map(port => `add rule inet fw in iifname "br1" udp dport ${port} drop`);
    await box.run('nft', ['add table inet fw', chain, rules[0]].join('; '));
    const reasons = async () => {
      const { code, json } = await box.vmnet('verify', '--timeout', '1', 'nat');
      const own = json.checks.filter(({ bridge }: { bridge?: string }) => bridge);
      return [code, ...own.map(({ name, reason }: Record<string, string>) => `${name} ${reason}`)];
    };
    expect(await reasons()).toEqual([3, 'dhcp null', 'dns no-answer']);
    await box.run('nft', rules[1] ?? '');
    // A raw socket hears behind a filter for UDP, so DHCP goes on: only below, at the bridge, it is stopped.
    await box.run('nft', 'delete table inet fw');
    await box.run(
      'nft',
      'add table bridge fw; add chain bridge fw in { type filter hook prerouting priority 0; policy drop; }',
    );
    expect(await reasons()).toEqual([3, 'dhcp no-offer', 'dns not-asked']);
    await box.run('nft', 'delete table bridge fw');
    await box.vmnet('destroy', 'nat');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('subnets', () => {
  it('of two labs do not overlap, nor any route; one that would is refused by the name of the route', async () => {
    await box.run('ip', 'link', 'add', 'wan1', 'type', 'veth', 'peer', 'name', 'wan2');
    await box.run('ip', 'link', 'set', 'wan1', 'up');
    // Half of the first pool is elsewhere, in a table of its own.
    await box.run('ip', 'route', 'add', '10.192.0.0/12', 'dev', 'wan1', 'table', '77');
    const there = await box.snapshot();
    const [one, two] = [
      await box.lab(isolated('one', 'auto')),
      await box.lab(isolated('two', 'auto'), '2.json'),
    ];
    for (const file of [one, two]) expect((await provision(file)).json.error).toBeNull();
    const subnets = [await addressOf('br-one'), await addressOf('br-two')];
    for (const subnet of subnets) expect(subnet).toMatch(/^10\.(20[89]|21\d|22[0-3])\./);
    expect(new Set(subnets).size).toBe(2);

    const clash = await provision(await box.lab(isolated('three', subnets[0]), '3.json'));
    expect([clash.code, clash.json.error.code]).toEqual([1, 'conflict']);
    const network = (subnets[0] ?? '').replace('.1/24', '.0/24');
    expect(clash.json.error.message).toContain(
      `overlaps a route that the host has: ${network} dev br-one, which is that of bridge br-one of the lab one`,
    );
    expect(clash.json.error.hint).toContain('"address": "auto"');
    for (const name of ['one', 'two']) await box.vmnet('destroy', name);
    expect(await box.differenceFrom(there)).toEqual([]);
  });

  it('are kept from a network that libvirt has defined, though it is not active', async () => {
    const xml =
      '<network><name>idle</name><bridge name="virbr7"/><ip address="10.77.0.1" prefix="16"/></network>';
    await box.run(
      'sh',
      '-c',
      `echo '${xml}' > /run/idle.xml && virsh -q net-define /run/idle.xml; rm /run/idle.xml`,
    );
    const file = await box.lab(isolated('three', '10.77.3.1/24'));
    const { code, json } = await box.vmnetAsIs('provision', '--no-verify', file);
    await box.run('virsh', '-q', 'net-undefine', 'idle');
    expect([code, json.error.code]).toEqual([1, 'conflict']);
    expect(json.error.message).toContain("overlaps that of libvirt's network idle (10.77.0.0/16)");
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('vmnet killed', () => {
  it('around each phase, and all that it writes for dnsmasq: recover leaves none of it', {
    timeout: 600_000,
  }, async () => {
    const file = await box.lab(NAT);
    const folder = '/run/vmnet-state';
    const all = await momentsOf(box, [folder], 'provision', '--network-only', file);
    const ends = await momentsOf(box, [folder], 'destroy', 'nat');
    // Every other moment does, where not all are asked for.
    const chosen = ({ path }: { path: string | null }, i: number) =>
      /pending\.log|services/.test(path ?? '') && (EXHAUSTIVE || i % 2 === 0);
    let tried = 0;
    for (const moment of all.filter(chosen)) {
      const ended = await box.killedIn(killedBefore(moment), 'provision', '--network-only', file);
      expect(ended.code, moment.title).not.toBe(0);
      expect((await box.vmnet('recover')).json.error, moment.title).toBeNull();
      // A run that was over is no more to be undone.
      if ((await box.vmnet('list')).stdout.includes('"nat"')) await box.vmnet('destroy', 'nat');
      expect(await servers(), moment.title).toEqual({});
      expect(await box.differenceFrom(before), moment.title).toEqual([]);
      tried++;
    }
    for (const moment of ends.filter(chosen)) {
      await provision(file);
      await box.killedIn(killedBefore(moment), 'destroy', 'nat');
      expect((await box.vmnet('destroy', 'nat')).json.error, moment.title).toBeNull();
      expect(await box.differenceFrom(before), `destroy ${moment.title}`).toEqual([]);
      tried++;
    }
    expect(tried).toBeGreaterThan(5);
    console.log(`services: ${tried} points tried, ${tried} restored`);
  });

  it('while dnsmasq is about to start: the one that comes late is ended, too', async () => {
    const bin = `${box.folder}/bin`;
    const text = `#!/bin/sh\n[ "$1" = --version ] && exec /usr/sbin/dnsmasq --version\nkill -9 $PPID\nsleep 1\nexec /usr/sbin/dnsmasq "$@"\n`;
    await box.run(
      'sh',
      '-c',
      `mkdir "$2" && printf '%s' "$1" > "$2/dnsmasq" && chmod 755 "$2/dnsmasq"`,
      'sh',
      text,
      bin,
    );
    const file = await box.lab(NAT);
    await box.killed({ PATH: `${bin}:${process.env.PATH}` }, 'provision', '--network-only', file);
    expect((await box.vmnet('recover')).json.recovered).toEqual({ nat: 'undone' });
    await sleep(1500);
    expect(await servers()).toEqual({});
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('without the program dnsmasq', () => {
  it('a lab that needs it is refused before anything is changed, another one is not', async () => {
    // A PATH on which all is but dnsmasq.
    const bin = `${box.folder}/few`;
    await box.run(
      'sh',
      '-c',
      `mkdir ${bin} && for p in /usr/sbin/* /sbin/* /usr/bin/* /bin/*; do ln -sf $p ${bin}/; done; rm ${bin}/dnsmasq; mount -t tmpfs empty /usr/sbin`,
    );
    const env = { PATH: bin };
    const file = await box.lab(NAT);
    const { code, json } = await box.vmnetWith(env, 'provision', '--network-only', file);
    await box.run('umount', '/usr/sbin');
    expect([code, json.error.code]).toEqual([1, 'missing-tool']);
    expect(json.error.message).toContain('serves DHCP and DNS on br1');
    expect(json.error.hint).toContain('apt-get install dnsmasq-base');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
