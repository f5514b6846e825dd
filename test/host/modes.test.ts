import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainNetwork } from '../../src/sandbox/network.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box, type Ended } from '../support/box.js';
import { likeDocker } from '../support/docker.js';
import { Endpoint, heard } from '../support/endpoint.js';

// What leaves and enters a bridge by the host, for each mode, seen from the LAN and from a namespace that plays a guest.

let box: Box;
let before: Snapshot;

const GATE = ['10.77.0.1/24', 'fd77::1/64'];
const GUEST = { addresses: ['10.77.0.10/24', 'fd77::10/64'], gateways: ['10.77.0.1', 'fd77::1'] };
const LAN = ['192.0.2.1', 'fd00:db8::1'];
const HOST = ['192.0.2.2', 'fd00:db8::2'];
const OURS = ['10.77.0.10', 'fd77::10'];
const PROTOCOLS = ['tcp', 'udp'] as const;

beforeEach(async () => {
  box = await Box.up();
  await box.run('mkdir', '-p', '/run/netns');
  before = await box.snapshot();
});

afterEach(() => box?.down());

const lab = (bridge: object, name = 'modal', bridgeName = 'br7') =>
  box.lab({ name, bridges: { [bridgeName]: bridge } }, `${name}.json`);

/** Provision, and then once more: the second run finds nothing to do. */
async function provision(file: string) {
  const answer = await box.vmnet('provision', '--network-only', file);
  expect(answer.json.error).toBeNull();
  expect((await box.vmnet('provision', '--network-only', file)).json).toMatchObject({ ok: true, changed: 0 });
  return answer.json;
}

const destroy = async (name = 'modal') => expect((await box.vmnet('destroy', name)).json.error).toBeNull();

const onLan = (...words: string[]): Promise<Ended> => box.attempt('lan', ...words);
const onHost = (...words: string[]): Promise<Ended> => box.attempt('host', ...words);

/** The LAN knows the way to the guests, as it does where an administrator told its router. */
async function lanKnowsTheWay() {
  await box.lan('ip', 'route', 'replace', '10.77.0.0/24', 'via', '192.0.2.2');
  await box.lan('ip', 'route', 'replace', 'fd77::/64', 'via', 'fd00:db8::2');
}

/** Counters of the LAN's own rules: what of a kind has come there, whoever it says it is from. */
async function countOnLan(...rules: string[]) {
  const chain = 'add chain inet seen in { type filter hook prerouting priority -300; }';
  const lines = rules.map(rule => `add rule inet seen in ${rule} counter`);
  await box.lan('nft', ['add table inet seen', chain, ...lines].join('; '));
}

async function countedOnLan(): Promise<number[]> {
  const { nftables } = JSON.parse(await box.lan('nft', '-j', 'list', 'table', 'inet', 'seen'));
  return nftables.flatMap((item: { rule?: { expr: { counter?: { packets: number } }[] } }) =>
    (item.rule?.expr ?? []).flatMap(({ counter }) => (counter ? [counter.packets] : [])),
  );
}

describe('nat', () => {
  it('lets out with the address of the host, and in nothing unasked', async () => {
    await provision(await lab({ mode: 'nat', address: GATE }));
    const guest = await Endpoint.up(box, 'guest', 'br7', GUEST);
    await countOnLan(
      'ip saddr 10.77.0.0/24',
      'ip6 saddr fd77::/64',
      'ip saddr 192.0.2.2 icmp type echo-request',
    );
    for (const [i, address] of LAN.entries()) {
      expect(await guest.ping(address)).toBe(3);
      for (const protocol of PROTOCOLS)
        expect(await heard(protocol, onLan, address, guest.attempt)).toEqual({
          from: HOST[i],
          answer: 'heard',
        });
    }
    expect(await countedOnLan()).toEqual([0, 0, 3]);
    await lanKnowsTheWay();
    const tried = OURS.flatMap(address => PROTOCOLS.map(protocol => ({ address, protocol })));
    const got = await Promise.all([
      ...OURS.map(address => box.pingFromLan(address)),
      ...tried.map(({ address, protocol }, i) =>
        heard(protocol, guest.attempt, address, onLan, String(7100 + i)),
      ),
    ]);
    expect(got).toEqual([0, 0, ...tried.map(() => ({ from: '', answer: '' }))]);
    // The host itself is asked from the bridge, and asks there.
    expect(await guest.ping('10.77.0.1')).toBe(3);
    expect((await onHost('ping', '-c', '1', '-W', '2', '10.77.0.10')).code).toBe(0);
    await guest.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('sends out nobody with a source of another network', async () => {
    await provision(await lab({ mode: 'nat', address: GATE }));
    const guest = await Endpoint.up(box, 'guest', 'br7', GUEST);
    await guest.run('ip', 'address', 'add', '198.51.100.9/32', 'dev', 'lo');
    await countOnLan('ip saddr 198.51.100.9');
    await guest.attempt('ping', '-c', '2', '-W', '1', '-I', '198.51.100.9', '192.0.2.1');
    expect(await countedOnLan()).toEqual([0]);
    await guest.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('routed', () => {
  it('lets out and in as they are', async () => {
    await provision(await lab({ mode: 'routed', address: GATE }));
    const guest = await Endpoint.up(box, 'guest', 'br7', GUEST);
    await lanKnowsTheWay();
    for (const [i, address] of LAN.entries()) {
      expect(await guest.ping(address)).toBe(3);
      expect(await box.pingFromLan(OURS[i] ?? '')).toBe(3);
      for (const protocol of PROTOCOLS) {
        const port = protocol === 'tcp' ? '7001' : '7002';
        expect(await heard(protocol, onLan, address, guest.attempt)).toEqual({
          from: OURS[i],
          answer: 'heard',
        });
        expect(await heard(protocol, guest.attempt, OURS[i] ?? '', onLan, port)).toEqual({
          from: address,
          answer: 'heard',
        });
      }
    }
    await guest.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('isolated', () => {
  /** A host that forwards everything, a LAN that knows the way, and an endpoint that wants out. */
  async function hardest(bridge: object) {
    const paths = [
      'ipv4/ip_forward',
      'ipv6/conf/all/forwarding',
      ...['', '6'].map(v => `bridge/bridge-nf-call-ip${v}tables`),
    ];
    for (const path of paths) await box.run('sh', '-c', `echo 1 > /proc/sys/net/${path}`);
    before = await box.snapshot();
    await provision(await lab(bridge));
    await lanKnowsTheWay();
    await countOnLan(
      'ip saddr 10.77.0.0/24',
      'ip6 saddr fd77::/64',
      'icmp type echo-reply',
      'icmpv6 type echo-reply',
    );
    return Endpoint.up(box, 'guest', 'br7', GUEST);
  }

  /** Everything that an endpoint may try against the LAN, and the LAN against it. */
  async function nothingCrosses(guest: Endpoint) {
    const got = await Promise.all([
      ...LAN.map(address => guest.ping(address)),
      ...OURS.map(address => box.pingFromLan(address)),
      ...LAN.map((address, i) => heard('udp', onLan, address, guest.attempt, String(7100 + i))),
    ]);
    const silence = { from: '', answer: '' };
    expect(got).toEqual([0, 0, 0, 0, silence, silence]);
    // The host must not answer a neighbour of the LAN's whose name an endpoint borrows.
    await guest.run('ip', 'address', 'add', '192.0.2.1/32', 'dev', 'lo');
    await guest.run('ip', '-6', 'address', 'add', 'fd00:db8::1/128', 'dev', 'lo');
    await guest.attempt('ping', '-c', '2', '-W', '1', '-I', '192.0.2.1', '10.77.0.1');
    await guest.attempt('ping', '-c', '2', '-W', '1', '-I', '192.0.2.1', '192.0.2.2');
    await guest.attempt('ping', '-6', '-c', '2', '-W', '1', '-I', 'fd00:db8::1', 'fd00:db8::2');
    expect(await countedOnLan()).toEqual([0, 0, 0, 0]);
  }

  it('without an address: nothing crosses, and the host is not reached', async () => {
    const guest = await hardest({ mode: 'isolated' });
    const mac = JSON.parse(await box.run('ip', '-j', 'link', 'show', 'dev', 'br7'))[0].address;
    // It knows the host's MAC, and needs no answer to find it.
    for (const gateway of [...GUEST.gateways, ...HOST])
      await guest.run('ip', 'neigh', 'replace', gateway, 'lladdr', mac, 'dev', 'eth0');
    await box.run('ip', 'route', 'add', '10.77.0.0/24', 'dev', 'br7');
    await box.run('ip', '-6', 'route', 'add', 'fd77::/64', 'dev', 'br7');
    await nothingCrosses(guest);
    for (const address of HOST) expect(await guest.ping(address)).toBe(0);
    expect(await box.run('ip', '-o', 'address', 'show', 'dev', 'br7')).toBe('');
    await guest.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('with an address: the host is reached, and nothing else', async () => {
    const guest = await hardest({ address: GATE });
    const other = await Endpoint.up(box, 'other', 'br7', { addresses: ['10.77.0.11/24'] });
    for (const address of GUEST.gateways) expect(await guest.ping(address)).toBe(3);
    // Bridged frames go through the host's netfilter here, and are none of its business.
    expect(await guest.ping('10.77.0.11')).toBe(3);
    await nothingCrosses(guest);
    // Without the lab's rules everything would.
    await box.run('nft', 'delete', 'table', 'inet', 'vmnet.modal');
    for (const address of LAN) expect(await guest.ping(address)).toBe(3);
    await guest.down();
    await other.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a mode that changes', () => {
  it('is what the bridge is for from then on', async () => {
    await provision(await lab({ mode: 'nat', address: GATE }));
    const guest = await Endpoint.up(box, 'guest', 'br7', GUEST);
    expect(await guest.ping('192.0.2.1')).toBe(3);
    await provision(await lab({ mode: 'isolated', address: GATE }));
    expect(await guest.ping('192.0.2.1')).toBe(0);
    expect(await guest.ping('10.77.0.1')).toBe(3);
    await provision(await lab({ mode: 'routed', address: GATE }));
    await lanKnowsTheWay();
    expect(await box.pingFromLan('10.77.0.10')).toBe(3);
    await guest.down();
    await destroy();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('a host between two networks', () => {
  it('does not become a router for others; two labs share its way out, and the last puts it back', async () => {
    await box.down();
    box = await Box.up([
      plainNetwork('eth0'),
      { name: 'eth1', host: ['198.51.100.2/24'], lan: ['198.51.100.1/24'], gateways: [] },
    ]);
    await box.run('mkdir', '-p', '/run/netns');
    before = await box.snapshot();
    await provision(await lab({ mode: 'nat', address: '10.77.0.1/24' }, 'one', 'br7'));
    await provision(await lab({ mode: 'routed', address: '10.78.0.1/24' }, 'two', 'br8'));
    const one = await Endpoint.up(box, 'one', 'br7', GUEST);
    const two = await Endpoint.up(box, 'two', 'br8', {
      addresses: ['10.78.0.10/24'],
      gateways: ['10.78.0.1'],
    });
    await box.lan('ip', 'route', 'add', '10.78.0.0/24', 'via', '192.0.2.2');
    for (const endpoint of [one, two]) expect(await endpoint.ping('192.0.2.1')).toBe(3);
    expect(await box.pingFromLan('10.78.0.10')).toBe(3);
    // A neighbour on eth0's network that sends the host what is meant for the network of eth1.
    await countOnLan('iifname "lan1" ip daddr 198.51.100.77');
    const { address } = JSON.parse(await box.lan('ip', '-j', 'link', 'show', 'dev', 'lan1'))[0];
    await box.run('ip', 'neigh', 'add', '198.51.100.77', 'lladdr', address, 'dev', 'eth1');
    await box.lan('ip', 'route', 'add', '198.51.100.77/32', 'via', '192.0.2.2');
    const passOn = () => onLan('ping', '-c', '2', '-W', '1', '-I', '192.0.2.1', '198.51.100.77');
    await passOn();
    expect(await countedOnLan()).toEqual([0]);
    // It is the guards of the labs that keep it from it, each of which has its own.
    await box.run('nft', 'flush chain inet vmnet.one guard');
    await passOn();
    expect(await countedOnLan()).toEqual([0]);
    await box.run('nft', 'flush chain inet vmnet.two guard');
    await passOn();
    expect(await countedOnLan()).toEqual([2]);
    await box.run('ip', 'neigh', 'del', '198.51.100.77', 'dev', 'eth1');
    await one.down();
    await destroy('one');
    expect(await two.ping('192.0.2.1')).toBe(3);
    await two.down();
    await destroy('two');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe.each(['iptables-nft', 'iptables-legacy'])('beside Docker, whose rules are of %s', program => {
  const rules = () => box.run(`${program}-save`);

  beforeEach(async () => {
    await likeDocker(box, program);
    before = await box.snapshot();
  });

  it('the chain is named; "docker": "allow" lets pass, by one rule that destroy removes', async () => {
    const found = withoutCounters(await rules());
    const bridge = { mode: 'nat', address: '10.77.0.1/24' };
    await provision(await lab(bridge));
    const plan = await box.vmnet('plan', '--network-only', await lab(bridge));
    expect(plan.json.plan.notes.join('\n')).toMatch(
      /chain FORWARD may drop what br7 forwards.*"docker": "allow"/,
    );
    const guest = await Endpoint.up(box, 'guest', 'br7', GUEST);
    expect(await guest.ping('192.0.2.1')).toBe(0);
    expect(withoutCounters(await rules())).toEqual(found);

    const file = await lab({ ...bridge, docker: 'allow' });
    await provision(file);
    expect(await guest.ping('192.0.2.1')).toBe(3);
    expect(await heard('tcp', onLan, '192.0.2.1', guest.attempt)).toEqual({
      from: '192.0.2.2',
      answer: 'heard',
    });
    const added = withoutCounters(await rules()).filter(line => line.startsWith('-A DOCKER-USER'));
    expect(added).toHaveLength(2);
    expect(added[0]).toContain('vmnet:modal:br7');
    // Docker's chain is no way round our own rules.
    await lanKnowsTheWay();
    expect(await box.pingFromLan('10.77.0.10')).toBe(0);

    await provision(await lab(bridge));
    expect(withoutCounters(await rules())).toEqual(found);
    await provision(file);
    await guest.down();
    await destroy();
    expect(withoutCounters(await rules())).toEqual(found);
    await box.run(program, '-Z');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('without a chain DOCKER-USER, "allow" is refused and nothing is changed', async () => {
    for (const line of ['-F FORWARD', '-F DOCKER-USER', '-X DOCKER-USER'])
      await box.run(program, ...line.split(' '));
    before = await box.snapshot();
    const answer = await box.vmnet(
      'provision',
      '--network-only',
      await lab({ mode: 'routed', address: '10.77.0.1/24', docker: 'allow' }),
    );
    expect([answer.code, answer.json.error.code]).toEqual([1, 'conflict']);
    expect(answer.json.error.message).toContain('DOCKER-USER');
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

const withoutCounters = (saved: string) =>
  saved
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .map(line => line.replace(/\[\d+:\d+\]/, ''));
