import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { likeDocker } from '../support/docker.js';

// Labs behind the host, whole: guests and namespaces, made, proven by what the lab means, and taken away again.

let box: Box;
let before: Snapshot;
let rules: string[];

beforeEach(async () => {
  box = await Box.up();
  await warm();
  before = await box.snapshot();
  rules = await iptables();
});

afterEach(() => box?.down());

/** `ip netns` leaves its folder, which is no trace of vmnet; and IPv6 has its routes once its addresses are tried. */
async function warm() {
  await box.run('ip', 'netns', 'add', 'warm');
  await box.run('ip', 'netns', 'del', 'warm');
  const tentative = ['ip', '-6', '-o', 'address', 'show', 'tentative'];
  for (let tries = 0; tries < 50 && (await box.run(...tentative)) !== ''; tries++) await sleep(100);
}

const PROGRAMS = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'] as const;

/** All rules of iptables, of both kinds and families, without their counters. */
async function iptables(): Promise<string[]> {
  const saved = await Promise.all(PROGRAMS.map(program => box.run(`${program}-save`)));
  return saved.map(text => text.replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, ''));
}

async function asBefore(where = '') {
  expect(await iptables(), where).toEqual(rules);
  expect(await box.differenceFrom(before), where).toEqual([]);
}

interface Check {
  readonly name: string;
  readonly vm: string;
  readonly bridge?: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly hint: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
  readonly evidence: any;
}

/** Who got which verdict on its path. */
const verdicts = (checks: readonly Check[]) =>
  Object.fromEntries(
    checks.filter(({ name }) => name === 'path').map(({ vm, verdict, reason }) => [vm, reason ?? verdict]),
  );

const pathOf = (checks: readonly Check[], vm: string) =>
  checks.find(it => it.name === 'path' && it.vm === vm) as Check;

/** Provision to the very end, proof and all; exit code 0, and nothing failed. */
async function provision(file: string): Promise<Check[]> {
  const { code, json } = await box.vmnet('provision', file);
  expect(json.error).toBeNull();
  const bad = (json.checks as Check[]).filter(({ verdict }) => ['failed', 'unproven'].includes(verdict));
  expect([code, bad]).toEqual([0, []]);
  return json.checks;
}

async function noStepFor(file: string) {
  expect((await box.vmnet('provision', '--no-verify', file)).json).toMatchObject({ ok: true, changed: 0 });
}

async function destroy(name: string) {
  expect((await box.vmnet('destroy', name)).json.error).toBeNull();
}

async function verify(name: string) {
  const { code, json } = await box.vmnet('verify', name);
  expect(json.error).toBeNull();
  return { code, checks: json.checks as Check[] };
}

const exec = (name: string, ...words: string[]) => box.vmnetText('exec', name, '--', ...words);

/** How many of three echo requests from a namespace of the lab an address answers. */
async function ping(name: string, address: string): Promise<number> {
  const { stdout } = await exec(name, 'ping', '-c', '3', '-i', '0.2', '-W', '2', address);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

/** Count on the LAN what comes there, whatever it says that it is from. */
async function countOnLan(...matches: string[]) {
  const lines = matches.map(match => `add rule inet seen in ${match} counter`);
  const chain = 'add chain inet seen in { type filter hook prerouting priority -300; }';
  await box.lan('nft', ['add table inet seen', chain, ...lines].join('; '));
}

const countedOnLan = async () =>
  [...(await box.lan('nft', 'list', 'table', 'inet', 'seen')).matchAll(/counter packets (\d+)/g)].map(it =>
    Number(it[1]),
  );

const lanKnowsTheWay = (subnet: string) =>
  box.lan('ip', 'route', 'replace', subnet, 'via', subnet.includes(':') ? 'fd00:db8::2' : '192.0.2.2');

const nicOn = (bridge: string, address: string | string[]) => [{ bridge, address }];

describe('nat', () => {
  const BRIDGE = { mode: 'nat', address: '10.77.0.1/24' };
  const lab = (bridge: object = BRIDGE, namespaces: object = {}) =>
    box.lab({
      name: 'home',
      bridges: { br7: bridge },
      vms: { web: { boot: 'probe', nics: [{ bridge: 'br7' }] } },
      namespaces,
    });

  /** The bridge's own address, and that of the guest's lease. */
  async function leased(): Promise<{ gateway: string; web: string }> {
    const { addresses, dhcp } = (await box.vmnet('status', 'home')).json.bridges[0];
    const web = dhcp.leases.find(({ name }: { name: string }) => name === 'web');
    return { gateway: addresses[0].split('/')[0], web: web?.address };
  }

  it('a guest with a lease and a namespace with a route get out as the host; nothing gets in unasked', async () => {
    const nics = nicOn('br7', '10.77.0.9/24');
    const file = await lab(BRIDGE, { client: { nics, routes: [{ to: 'default', via: '10.77.0.1' }] } });
    const checks = await provision(file);
    expect(verdicts(checks)).toEqual({ web: 'routed', client: 'routed' });
    for (const vm of ['web', 'client']) {
      const { way } = pathOf(checks, vm).evidence;
      expect(way.outward, vm).toBeGreaterThan(0);
      expect(way.errands[0].left).toMatchObject([{ port: 'eth0', source: '192.0.2.2' }]);
    }
    await noStepFor(file);

    const { web } = await leased();
    expect(web).toMatch(/^10\.77\.0\.\d+$/);
    const found = await exec('client', 'busybox', 'nslookup', 'web.home.test', '10.77.0.1');
    expect(found.stdout).toContain(`Address: ${web}`);
    expect(await ping('client', web)).toBe(3);

    await countOnLan('ip saddr 10.77.0.0/24', 'ip saddr 192.0.2.2 icmp type echo-request');
    expect(await ping('client', '192.0.2.1')).toBe(3);
    expect(await countedOnLan()).toEqual([0, 3]);
    await lanKnowsTheWay('10.77.0.0/24');
    for (const address of [web, '10.77.0.9']) expect(await box.pingFromLan(address)).toBe(0);
    // An answer that nobody asked for, as to one who borrows an address of the LAN: no NAT has an entry for it, so that
    // it would leave with the guest's own address.
    await exec('client', 'ip', 'address', 'add', '198.51.100.7/32', 'dev', 'lo');
    await exec('client', 'ping', '-c', '2', '-W', '1', '-I', '198.51.100.7', web);
    expect(await countedOnLan()).toEqual([0, 3]);

    await destroy('home');
    await asBefore();
  });

  it('on a subnet that vmnet chose, guests that have their leases already are found, and get out', async () => {
    const auto = { mode: 'nat', address: 'auto' };
    expect(verdicts(await provision(await lab(auto)))).toEqual({ web: 'routed' });
    const { gateway, web } = await leased();
    expect(web.split('.').slice(0, 3)).toEqual(gateway.split('.').slice(0, 3));
    const file = await lab(auto, { client: { nics: [{ bridge: 'br7' }] } });
    expect((await box.vmnet('provision', '--no-verify', file)).json.error).toBeNull();
    const script = `${box.folder}/lease`;
    const text = `[ "$1" = bound ] || exit 0\nip address add "$ip/$mask" dev "$interface"\nip route add default via "$router"\n`;
    await box.run('sh', '-c', `printf '#!/bin/sh\n%s' "$1" > "$2"; chmod 755 "$2"`, 'sh', text, script);
    const client = await exec('client', 'busybox', 'udhcpc', '-q', '-n', '-f', '-i', 'eth0', '-s', script);
    expect(client.code).toBe(0);
    const { code, checks } = await verify('home');
    expect([code, verdicts(checks)]).toEqual([0, { web: 'routed', client: 'routed' }]);
    expect(await ping('client', '192.0.2.1')).toBe(3);
    await destroy('home');
    await asBefore();
  });

  it.each([
    ['as soon as its rules are loaded', 'nft list table inet vmnet.home > /dev/null 2>&1'],
    ['as soon as its guest is defined', '[ -e /etc/libvirt/qemu/home-web.xml ]'],
  ])('provision killed %s: all is as it was', async (_, condition) => {
    const script = `"$@" & pid=$!; until ${condition}; do kill -0 $pid || break; done; kill -9 $pid; wait $pid`;
    const ended = await box.killedIn(['sh', '-c', script, 'sh'], 'provision', await lab());
    expect(ended).toMatchObject({ code: 137, stdout: '' });
    const { json } = await box.vmnet('recover');
    expect([json.error, json.recovered]).toEqual([null, { home: 'undone' }]);
    await asBefore();
  });
});

describe.each(['iptables-nft', 'iptables-legacy'])('nat beside Docker, whose rules are of %s', program => {
  const lab = (docker: object = {}) =>
    box.lab({
      name: 'dock',
      bridges: { br7: { mode: 'nat', address: '10.77.0.1/24', ...docker } },
      namespaces: {
        client: { nics: nicOn('br7', '10.77.0.9/24'), routes: [{ to: 'default', via: '10.77.0.1' }] },
      },
    });

  const inDockerUser = async () =>
    (await box.run(`${program}-save`)).split('\n').filter(line => line.startsWith('-A DOCKER-USER'));

  beforeEach(async () => {
    await likeDocker(box, program);
    before = await box.snapshot();
    rules = await iptables();
  });

  it('is blocked, by the chain’s name; "docker": "allow" adds one rule, and it is routed; destroy takes it out', async () => {
    const file = await lab();
    const { code, json } = await box.vmnet('provision', file);
    expect([code, json.error]).toEqual([3, null]);
    expect(verdicts(json.checks)).toEqual({ client: 'forward-drop' });
    const { verdict, hint } = pathOf(json.checks, 'client');
    expect(verdict).toBe('blocked');
    expect(hint).toMatch(/chain FORWARD.*DOCKER-USER/);
    expect(hint).toContain('"docker": "allow"');
    expect(await ping('client', '192.0.2.1')).toBe(0);

    const allowed = await lab({ docker: 'allow' });
    expect(verdicts(await provision(allowed))).toEqual({ client: 'routed' });
    expect(await inDockerUser()).toEqual([
      expect.stringMatching(/--comment "?vmnet:dock:\S+"? -j \S+$/),
      '-A DOCKER-USER -j RETURN',
    ]);
    expect(await ping('client', '192.0.2.1')).toBe(3);
    await lanKnowsTheWay('10.77.0.0/24');
    expect(await box.pingFromLan('10.77.0.9')).toBe(0);
    await noStepFor(allowed);
    await destroy('dock');
    await box.run(program, '-Z');
    await asBefore();
  });
});

describe('routed', () => {
  it('a LAN that has a route reaches the guests, and they it, by their own addresses', async () => {
    const gates = ['10.77.0.1/24', 'fd77::1/64'];
    const file = await box.lab({
      name: 'site',
      bridges: { br7: { mode: 'routed', address: gates } },
      vms: { web: { boot: 'probe', nics: [{ bridge: 'br7', address: '10.77.0.10/24' }] } },
      namespaces: {
        client: {
          nics: nicOn('br7', ['10.77.0.9/24', 'fd77::9/64']),
          routes: [
            { to: 'default', via: '10.77.0.1' },
            { to: 'default', via: 'fd77::1' },
          ],
        },
      },
    });
    const checks = await provision(file);
    expect(verdicts(checks)).toEqual({ web: 'routed', client: 'routed' });
    for (const { from, left } of pathOf(checks, 'client').evidence.way.errands)
      expect(left.map(({ source }: { source: string }) => source)).toEqual([from]);
    for (const subnet of ['10.77.0.0/24', 'fd77::/64']) await lanKnowsTheWay(subnet);
    await countOnLan('ip saddr 10.77.0.9 icmp type echo-request', 'ip saddr 192.0.2.2');
    for (const address of ['10.77.0.10', '10.77.0.9', 'fd77::9'])
      expect(await box.pingFromLan(address)).toBe(3);
    for (const address of ['192.0.2.1', 'fd00:db8::1']) expect(await ping('client', address)).toBe(3);
    expect(await countedOnLan()).toEqual([3, 0]);
    await noStepFor(file);
    await destroy('site');
    await asBefore();
  });
});

describe('isolated', () => {
  it('guests reach each other and nothing else; on a host that became a router, by hand, that is a leak', async () => {
    const file = await box.lab({
      name: 'cell',
      bridges: { br7: { mode: 'isolated' } },
      vms: { web: { boot: 'probe', nics: [{ bridge: 'br7', address: '10.77.0.10/24' }] } },
      namespaces: { client: { nics: nicOn('br7', '10.77.0.9/24') } },
    });
    expect(verdicts(await provision(file))).toEqual({ web: 'isolated', client: 'isolated' });
    await noStepFor(file);
    expect(await ping('client', '10.77.0.10')).toBe(3);

    const forward = 'cat /proc/sys/net/ipv4/ip_forward';
    const found = (await box.run('sh', '-c', forward)).trim();
    await box.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    // A host that forwards is not enough: the lab's rules hold.
    expect(verdicts((await verify('cell')).checks)).toEqual({ web: 'isolated', client: 'isolated' });
    await box.run('nft', 'delete', 'table', 'inet', 'vmnet.cell');
    const { code, checks } = await verify('cell');
    expect([code, verdicts(checks)]).toEqual([3, { web: 'forwarded', client: 'forwarded' }]);
    expect(pathOf(checks, 'web').verdict).toBe('leak');
    expect(pathOf(checks, 'web').hint).toMatch(/toward eth0: the host forwards \(.*net\.ipv4\.ip_forward=1/);
    // The next provision puts the rules back.
    expect(verdicts(await provision(file))).toEqual({ web: 'isolated', client: 'isolated' });

    await box.run('sysctl', '-qw', `net.ipv4.ip_forward=${found}`);
    await destroy('cell');
    await asBefore();
  });
});
