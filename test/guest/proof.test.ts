import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDrivers } from '../../src/drivers/drivers.js';
import { buildProbe } from '../../src/guest/build.js';
import { plainNetwork } from '../../src/sandbox/network.js';
import { type Answer, Box } from '../support/box.js';
import { startServer } from '../support/dhcp.js';
import { pathsOf } from '../support/paths.js';

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

const verdicts = (answer: Answer) =>
  Object.fromEntries(
    pathsOf(answer).map(({ vm, nic, verdict, reason }) => [`${vm} ${nic}`, reason ?? verdict]),
  );

const ALL_DIRECT = {
  'four 0': 'direct',
  'six 0': 'direct',
  'mute 0': 'direct',
  'twin 0': 'direct',
  'twin 1': 'direct',
  'leased 0': 'direct',
};

const tapOf = (answer: Answer, vm: string, index = 0): string =>
  pathsOf(answer).find(path => path.vm === vm && path.nic === index)?.evidence.tap.name;

const sh = (script: string) => box.run('sh', '-ec', script);

let first: Answer;

describe('guests of many kinds', () => {
  it('are all proven direct, and nothing is said of them that is not so', async () => {
    first = await box.vmnet('verify', 'kinds', '--timeout', '60');
    expect(verdicts(first)).toEqual(ALL_DIRECT);
    expect(first.code).toBe(0);
    const of = (vm: string, index = 0) =>
      pathsOf(first).find(path => path.vm === vm && path.nic === index)?.evidence;
    // Each family only where the guest has it.
    expect(of('four').families.ip6).toEqual({ entered: 0, switched: 0 });
    expect(of('six').families.ip).toEqual({ entered: 0, switched: 0 });
    // Linux sends IPv4 of two NICs in one subnet by the first: the second is shown by what else it says.
    expect(of('twin', 1).families.ip6.switched).toBeGreaterThan(0);
    // Who answers no echo request is shown by ARP and neighbour discovery, and cannot be asked in full size.
    expect(of('mute').families.arp.switched).toBeGreaterThan(0);
    expect(of('mute').first.what).toMatch(/ARP reply|neighbour advertisement/);
    expect(of('mute').fullSize).toBeNull();
    expect(of('four').fullSize).toMatchObject({ bytes: 1500 });
    // Nobody told its address.
    expect(of('leased').addresses.join()).toMatch(/192\.0\.2\.1[0-9][0-9]/);
    for (const { evidence } of pathsOf(first)) {
      expect(evidence.first.left).toMatchObject({ port: 'eth0' });
      expect(evidence.first.left.afterUs).toBeGreaterThanOrEqual(0);
      expect(evidence.inbound.toTap).toBeGreaterThan(0);
      expect(evidence.hostStack).toMatchObject({ prerouting: 0, forward: 0, input: 0, arp: 0 });
    }
  });

  it('are proven to the uplink where isolated ports keep them from each other', async () => {
    const taps = pathsOf(first).map(path => tapOf(first, path.vm, path.nic));
    const isolate = (to: string) =>
      sh(taps.map(tap => `bridge link set dev ${tap} isolated ${to}`).join('\n'));
    await isolate('on');
    const answer = await box.vmnet('verify', 'kinds', '--timeout', '20').finally(() => isolate('off'));
    expect(verdicts(answer)).toEqual(ALL_DIRECT);
  });
});

describe('the proof is told', () => {
  it('in sentences', async () => {
    const { stdout } = await box.vmnetText('verify', '--domain', 'kinds-four', '--explain');
    const tap = tapOf(first, 'four');
    expect(stdout).toContain('kinds-four, NIC 0: direct.');
    expect(stdout).toMatch(new RegExp(`Guest → LAN: \\d+ frames came in through ${tap}`));
    expect(stdout).toMatch(/\d+ were captured leaving eth0 behind all filters, with the guest's own MAC\./);
    expect(stdout).toMatch(/left eth0 \d+ µs later, byte for byte the same\./);
    expect(stdout).toMatch(new RegExp(`LAN → guest: .* were handed to ${tap}`));
    expect(stdout).toContain("The host's IP stack saw none of it");
    expect(stdout).toContain(`br0 has learned ${MAC(50)} on ${tap}`);
    expect(stdout).toMatch(/Asked by: .*borrowed/);
  });

  it('by files that tshark and tcpdump read: the same frames at the tap and at the uplink, a moment later', async () => {
    const folder = join(box.folder, 'pcaps');
    const answer = await box.vmnet('verify', '--domain', 'kinds-four', '--pcap', folder);
    const tap = tapOf(first, 'four');
    expect((await readdir(folder)).sort()).toEqual(['br0.pcap', 'eth0.pcap', `${tap}.pcap`].sort());
    expect(answer.json.pcaps).toContain(join(folder, 'eth0.pcap'));
    const dump = (device: string) =>
      box.run('tcpdump', '-nn', '-e', '-r', join(folder, `${device}.pcap`), 'icmp[0] = 0');
    for (const device of [tap, 'eth0']) expect(await dump(device)).toContain(MAC(50));
    // The answers of the guest: when, from whom, and all that they say.
    const replies = async (device: string, direction: number) => {
      const fields = ['frame.time_epoch', 'sll.src.eth', 'icmp.checksum', 'icmp.seq', 'data.data'];
      const filter = `icmp.type == 0 && sll.pkttype == ${direction} && sll.src.eth == ${MAC(50)}`;
      const words = ['-r', join(folder, `${device}.pcap`), '-Y', filter, '-T', 'fields'];
      const { stdout, stderr } = await box.attempt(
        'host',
        'tshark',
        ...words,
        ...fields.flatMap(it => ['-e', it]),
      );
      expect(stdout, stderr).not.toBe('');
      return stdout
        .trim()
        .split('\n')
        .map(line => line.split('\t'))
        .map(([time, ...frame]) => ({ us: Math.round(Number(time) * 1e6), frame: frame.join(' ') }));
    };
    const [entered, left] = [await replies(tap, 0), await replies('eth0', 4)];
    for (const { us, frame } of left) {
      const match = entered.find(other => other.frame === frame);
      expect(match, frame).toBeDefined();
      expect(us - (match?.us ?? 0)).toBeGreaterThanOrEqual(0);
    }
  });
});

it('--passive sends nothing, and says of the silent that nothing is proven', async () => {
  // Our port on a bridge is the only one whose name begins so.
  await box.run(
    'nft',
    'table bridge watch { chain c { type filter hook prerouting priority -500; iifname "vmp*" counter; }; }',
  );
  const sent = async () =>
    Number(/packets (\d+)/.exec(await box.run('nft', 'list', 'table', 'bridge', 'watch'))?.[1]);
  const listen = () => box.vmnet('verify', '--domain', 'kinds-four', '--passive', '--timeout', '1');
  let quiet = await listen();
  // Its kernel looks after its neighbours for some seconds after it was asked.
  for (let tries = 0; pathsOf(quiet)[0]?.reason !== 'guest-silent' && tries < 10; tries++)
    quiet = await listen();
  const [path] = pathsOf(quiet);
  expect([await sent(), path?.verdict, path?.reason, quiet.code]).toEqual([0, 'unproven', 'guest-silent', 3]);
  expect(path?.evidence.tried).toEqual(['listening only']);
  expect(path?.evidence.inbound).toBeNull();
  // Somebody else speaks with it.
  await box.lan('sh', '-c', 'ping -i 0.2 -w 12 192.0.2.50 > /dev/null 2>&1 &');
  const heard = await box.vmnet('verify', '--domain', 'kinds-four', '--passive', '--timeout', '4');
  expect([await sent(), verdicts(heard)]).toEqual([0, { 'kinds-four 0': 'direct' }]);
  expect((await box.vmnet('verify', '--domain', 'kinds-four')).code).toBe(0);
  expect(await sent()).toBeGreaterThan(0);
  await box.run('nft', 'delete', 'table', 'bridge', 'watch');
});

describe('a domain that vmnet did not make', () => {
  beforeAll(async () => {
    await sh(`
      ip link add name br9 type bridge forward_delay 0
      ip link set dev br9 up
      ip link set dev eth1 master br9
      ip link set dev eth1 up`);
    const xml = (await box.run('virsh', 'dumpxml', '--inactive', 'kinds-four'))
      .replace(/<metadata>[\s\S]*<\/metadata>/, '')
      .replace(/<uuid>.*<\/uuid>/, '')
      .replace('<name>kinds-four<', '<name>elsewhere<')
      .replace(/<log file=.*\/>/, '')
      .replace(/<interface type='ethernet'>/, "<interface type='bridge'><source bridge='br9'/>")
      .replace(/<target dev='four-.*\/>/, '')
      .replace(`vmnet.nic=${MAC(50)},192.0.2.50/24`, `vmnet.nic=${MAC(60)},198.51.100.60/24`)
      .replace(`address='${MAC(50)}'`, `address='${MAC(60)}'`);
    const file = join(box.folder, 'elsewhere.xml');
    await writeFile(file, xml);
    await box.run('virsh', '-q', 'create', file);
  });

  it('is proven by what libvirt and the kernel tell', async () => {
    await sh('ip address add 198.51.100.2/24 dev br9');
    const answer = await box.vmnet('verify', '--domain', 'elsewhere', '--timeout', '40');
    expect(verdicts(answer)).toEqual({ 'elsewhere 0': 'direct' });
    expect(answer.json.lab).toBeNull();
    const [path] = pathsOf(answer);
    expect(path?.evidence.tap.name).toMatch(/^vnet/);
    expect(path?.evidence).toMatchObject({ bridge: { name: 'br9' }, uplink: { name: 'eth1' } });
  });

  it('is found out: a filter on its uplink', async () => {
    await box.run(
      'nft',
      'table netdev far { chain c { type filter hook egress device "eth1" priority 0; drop; }; }',
    );
    const answer = await box.vmnet('verify', '--domain', 'elsewhere', '--timeout', '2');
    expect(verdicts(answer)).toEqual({ 'elsewhere 0': 'uplink-egress-filter' });
    await box.run('nft', 'delete', 'table', 'netdev', 'far');
  });

  it.each([['nobody', /libvirt has no domain "nobody"/]])('that is not there: %s', async (name, message) => {
    const answer = await box.vmnet('verify', '--domain', name);
    expect([answer.code, answer.json.error.code]).toEqual([2, 'usage']);
    expect(answer.json.error.message).toMatch(message);
  });
});

it('kill -9 in the midst leaves no table, no port and no capture behind', async () => {
  const before = await box.run('ip', '-br', 'link');
  await box.run('virsh', '-q', 'suspend', 'kinds-four');
  const pid = join(box.folder, 'pid');
  const run = box.killedIn(
    ['sh', '-c', 'echo $$ > "$0"; exec "$@"', pid],
    'verify',
    'kinds',
    '--timeout',
    '60',
  );
  const tables = () => box.run('nft', 'list', 'tables');
  const captures = async () => (await box.attempt('host', 'pgrep', '-x', 'tcpdump')).stdout;
  const ports = () => box.run('ip', '-br', 'link');
  await expect.poll(tables, { timeout: 20_000 }).toContain('vmnet_proof_');
  await expect.poll(ports, { timeout: 20_000 }).toContain('vmp');
  expect(await captures()).not.toBe('');
  await sh(`kill -9 $(cat ${pid})`);
  expect((await run).code).not.toBe(0);
  await expect.poll(tables).not.toContain('vmnet_');
  await expect.poll(ports).toBe(before);
  await expect.poll(captures).toBe('');
  await box.run('virsh', '-q', 'resume', 'kinds-four');
  expect(verdicts(await box.vmnet('verify', 'kinds', '--timeout', '20'))).toEqual(ALL_DIRECT);
});
