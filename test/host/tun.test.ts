import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// A tun for a program that is not root: its owner opens it and passes a packet, nobody else does.

/** Opens the tun and answers one echo request, as a VPN daemon would hand on the other end's answer. */
const DAEMON = `
import fcntl, os, select, struct, sys
fd = os.open('/dev/net/tun', os.O_RDWR)
IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x0001, 0x1000, 0x400454ca
try:
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', sys.argv[1].encode(), IFF_TUN | IFF_NO_PI | int(sys.argv[2], 0)))
except OSError as error:
    print('refused', error.errno, flush=True)
    sys.exit(1)
print('open', flush=True)
if len(sys.argv) > 3:
    sys.exit(0)
for _ in range(100):
    if not select.select([fd], [], [], 20)[0]:
        sys.exit(2)
    packet = bytearray(os.read(fd, 2000))
    if packet[0] >> 4 != 4 or packet[9] != 1 or packet[20] != 8:
        continue
    packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
    packet[20] = 0
    check = int.from_bytes(packet[22:24], 'big') + 0x0800
    packet[22:24] = ((check & 0xffff) + (check >> 16)).to_bytes(2, 'big')
    os.write(fd, bytes(packet))
`;

const MULTI_QUEUE = '0x0100';

let box: Box;
let before: Snapshot;
let daemon: string;

const lab = (tun: object, name = 'lab.json') =>
  box.lab({ name: 'vpn', bridges: {}, tuns: { vpn0: tun } }, name);
const NOBODY = { owner: 'nobody', address: '10.8.0.1/32', peer: '10.8.0.2', mtu: 1400 };

/** As a user and group of these numbers, without any capability. */
const as = (id: number, ...words: string[]) => [
  'setpriv',
  `--reuid=${id}`,
  `--regid=${id}`,
  '--clear-groups',
  '--inh-caps=-all',
  ...words,
];

const open = (id: number, device = 'vpn0', flags = '0') =>
  box.attempt('host', ...as(id, '/usr/bin/env', 'python3', daemon, device, flags, 'only'));

const shown = async () => JSON.parse(await box.run('ip', '-j', '-d', 'address', 'show', 'dev', 'vpn0'))[0];

beforeAll(async () => {
  box = await Box.up();
  before = await box.snapshot();
  daemon = join(box.folder, 'daemon.py');
  await writeFile(daemon, DAEMON);
  await box.run('chmod', '-R', 'a+rX', box.folder);
});

afterAll(() => box?.down());

const titles = (answer: { json: { steps: { title: string; why?: string }[] } }) =>
  answer.json.steps.map(({ title }) => title);

describe('a tun', () => {
  it('is made for its owner', async () => {
    const answer = await box.vmnet('provision', await lab(NOBODY));
    expect([answer.code, answer.json.error]).toEqual([0, null]);
    expect(titles(answer)).toEqual(['create tun vpn0 for user nobody']);
    const link = await shown();
    expect(link).toMatchObject({
      mtu: 1400,
      altnames: ['vmnet.vpn.vpn0'],
      flags: expect.arrayContaining(['UP']),
    });
    expect(link.linkinfo.info_data).toMatchObject({ type: 'tun', persist: true, user: 'nobody' });
    expect(link.addr_info[0]).toMatchObject({ local: '10.8.0.1', address: '10.8.0.2' });
    expect(answer.json.checks).toMatchObject([{ name: 'tun', vm: 'vpn0', verdict: 'ok' }]);
  });

  it('needs no step a second time', async () => {
    const again = await box.vmnet('provision', await lab(NOBODY));
    expect([again.code, titles(again)]).toEqual([0, []]);
  });

  it('is opened by its owner alone', async () => {
    expect((await open(65534)).stdout).toBe('open\n');
    expect((await open(1)).stdout).toBe('refused 1\n');
  });

  it('passes packets between the host and the program of its owner', async () => {
    const script = `"$@" > /dev/null & pid=$!
      ping -c 3 -i 0.3 -W 5 10.8.0.2; kill $pid`;
    const { stdout } = await box.attempt(
      'host',
      ...['sh', '-c', script, 'sh', ...as(65534, '/usr/bin/env', 'python3', daemon, 'vpn0', '0')],
    );
    expect(Number(/(\d+) received/.exec(stdout)?.[1])).toBeGreaterThan(0);
  });

  it('is made again, with the reason, for another owner, for a group and for several queues', async () => {
    const answer = await box.vmnet('plan', await lab({ ...NOBODY, owner: 1 }));
    const [step] = answer.json.plan.phases.flatMap((phase: { steps: object[] }) => phase.steps);
    expect([step.title, step.why]).toEqual([
      'make tun vpn0 again for user daemon',
      'its owner is nobody, and that is given when it is made',
    ]);
    expect((await box.vmnet('provision', await lab({ ...NOBODY, owner: 1 }))).code).toBe(0);
    expect((await open(65534)).stdout).toBe('refused 1\n');
    expect((await open(1)).stdout).toBe('open\n');
    const group = { group: 'nogroup', multiQueue: true, address: ['10.8.0.1/24', 'fd00:8::1/64'] };
    const made = await box.vmnet('provision', await lab(group));
    expect([made.code, titles(made)]).toEqual([0, ['make tun vpn0 again for group nogroup']]);
    expect((await open(65534, 'vpn0', MULTI_QUEUE)).stdout).toBe('open\n');
    expect((await open(1, 'vpn0', MULTI_QUEUE)).stdout).toBe('refused 1\n');
    expect(titles(await box.vmnet('provision', await lab(group)))).toEqual([]);
  });

  it('is mended, and keeps what others have put there', async () => {
    const one = { group: 'nogroup', multiQueue: true, address: ['10.8.0.1/24', '10.8.0.5/24'] };
    await box.run('ip', 'address', 'add', '10.77.0.1/24', 'dev', 'vpn0');
    await box.run('ip', 'link', 'set', 'dev', 'vpn0', 'mtu', '1300', 'down');
    const check = await box.vmnet('verify', 'vpn');
    expect([check.code, check.json.checks[0].reason]).toEqual([3, 'tun-down']);
    const mended = await box.vmnet('provision', await lab(one));
    expect(mended.json.error).toBeNull();
    expect(titles(mended)).toHaveLength(3);
    const locals = async () => (await shown()).addr_info.map(({ local }: { local: string }) => local);
    expect(await locals()).toEqual(expect.arrayContaining(['10.8.0.1', '10.8.0.5', '10.77.0.1']));
    expect(await locals()).not.toContain('fd00:8::1');
    // The first of a subnet takes the others along.
    const other = { ...one, address: ['10.8.0.5/24'] };
    expect((await box.vmnet('provision', await lab(other))).json.error).toBeNull();
    expect(await locals()).toEqual(expect.arrayContaining(['10.8.0.5', '10.77.0.1']));
    expect(await locals()).not.toContain('10.8.0.1');
    expect(titles(await box.vmnet('provision', await lab(other)))).toEqual([]);
  });

  it('is told from one of another owner', async () => {
    await box.run('ip', 'link', 'del', 'dev', 'vpn0');
    const missing = await box.vmnet('verify', 'vpn');
    expect([missing.code, missing.json.checks[0].reason]).toEqual([3, 'tun-missing']);
    await box.run(
      'ip',
      'tuntap',
      'add',
      'dev',
      'vpn0',
      'mode',
      'tun',
      'user',
      '1',
      'group',
      '65534',
      'multi_queue',
    );
    await box.run('ip', 'link', 'property', 'add', 'dev', 'vpn0', 'altname', 'vmnet.vpn.vpn0');
    const other = await box.vmnet('verify', 'vpn');
    expect([other.code, other.json.checks[0].reason]).toEqual([3, 'tun-owner']);
    expect((await box.vmnet('provision', '--no-verify', await lab({ ...NOBODY }))).code).toBe(0);
    expect((await box.vmnet('verify', 'vpn')).code).toBe(0);
  });

  it('goes without a trace', async () => {
    expect((await box.vmnet('destroy', 'vpn')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('is refused before anything changes', () => {
  it('for a user whom the host does not know', async () => {
    const { code, json } = await box.vmnet('provision', await lab({ owner: 'not-there' }));
    expect([code, json.error.message]).toEqual([2, 'tuns.vpn0.owner: this host has no user not-there']);
    expect(json.error.hint).toContain('useradd --system not-there');
  });

  it('where an interface of that name exists', async () => {
    const file = await box.lab(
      { name: 'vpn', bridges: {}, tuns: { eth0: { owner: 'nobody' } } },
      'eth0.json',
    );
    const { code, json } = await box.vmnet('provision', file);
    expect([code, json.error.message]).toEqual([
      1,
      'the tun eth0 cannot be made: an interface of that name exists, and it was not made by vmnet',
    ]);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
