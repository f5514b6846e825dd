import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Box, Ended } from '../support/box.js';
import { dhcpBox } from '../support/dhcp.js';
import { debianImage } from './image.js';

// Debian in two VMs over one image, set up by cloud-init: one with an address of its own, one with a lease.

const SECRET = 'vmnet-test-secret-4711';
const FIXED = '192.0.2.50';

let box: Box;
let file: string;

beforeAll(async () => {
  const { disk, kernel, initrd } = await debianImage();
  box = await dhcpBox(['--dhcp-option=option:router,192.0.2.1']);
  await box.run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${box.folder}/key`);
  const vm = {
    boot: { kernel, initrd, cmdline: 'root=/dev/vda rw console=ttyS0 quiet' },
    memory: '768MiB',
    vcpus: 1,
    disks: [{ image: disk }],
  };
  const sshKeys = [(await readFile(`${box.folder}/key.pub`, 'utf8')).trim()];
  file = await box.lab({
    name: 'debian',
    bridges: { br0: { uplink: 'eth0', address: 'none', bridgeNetfilter: 'off' } },
    defaults: { vm },
    vms: {
      fixed: {
        cloudInit: {
          hostname: 'fixed-one',
          sshKeys,
          dns: ['192.0.2.1'],
          userData: `#cloud-config\nwrite_files:\n  - path: /root/secret\n    permissions: "0600"\n    content: ${SECRET}\n`,
        },
        nics: [{ bridge: 'br0', address: [`${FIXED}/24`, 'fd00::50/64'], gateway: '192.0.2.1', mtu: 1400 }],
      },
      lease: { cloudInit: { sshKeys }, nics: [{ bridge: 'br0' }] },
    },
  });
});

afterAll(() => box?.down());

const ssh = (address: string, command: string): Promise<Ended> =>
  box.attempt(
    'lan',
    ...['ssh', '-i', `${box.folder}/key`, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
    ...[`root@${address}`, command],
  );

/** Under emulation on a busy machine, Debian takes minutes to come up. */
async function answered(address: string, command: string): Promise<string> {
  let last: Ended = { code: 1, stdout: '', stderr: 'no address' };
  for (let i = 0; i < 240 && last.code !== 0; i++) {
    if (i > 0) await sleep(2000);
    last = await ssh(address, command);
  }
  if (last.code !== 0) throw new Error(`${address}: ${last.stderr}\n${await consoles()}`);
  return last.stdout.trim();
}

const consoles = async () =>
  (await box.attempt('host', 'sh', '-c', 'tail -n 25 "$VMNET_STATE_DIR"/consoles/*/*.log')).stdout;

/** `[time, MAC, address, name, client id]` of the lease of a MAC. */
async function leaseOf(mac: string): Promise<string[]> {
  for (let i = 0; i < 240; i++) {
    const { stdout } = await box.attempt('lan', 'cat', '/var/lib/misc/leases');
    const lease = stdout
      .split('\n')
      .map(line => line.split(' '))
      .find(words => words[1] === mac);
    if (lease) return lease;
    await sleep(2000);
  }
  throw new Error(`no lease for ${mac}\n${await consoles()}`);
}

describe('Debian over one image', () => {
  it('comes up with addresses by MAC and by DHCP, lets the key in, and is bridged directly', async () => {
    const before = await box.snapshot();
    const up = await box.vmnet('provision', '--no-verify', file);
    expect(up.json.error).toBeNull();
    expect(up.stdout + up.stderr).not.toContain(SECRET);
    expect((await box.vmnet('provision', '--no-verify', file)).json.changed).toBe(0);

    const mac = (await box.run('virsh', '-q', 'domiflist', 'debian-lease')).trim().split(/\s+/).at(-1) ?? '';
    const [, , address = '', , clientId] = await leaseOf(mac);
    // Not made from the machine-id, which clones share.
    expect(clientId).toBe(`01:${mac}`);
    expect(await answered(FIXED, 'cat /root/secret; echo; hostname')).toBe(`${SECRET}\nfixed-one`);
    expect(await answered(address, 'hostname')).toBe('lease');

    const links = JSON.parse(await answered(FIXED, 'ip -j address show up'));
    const nic = links.find((link: { ifname: string }) => link.ifname !== 'lo');
    const addresses = nic.addr_info.map((it: { local: string }) => it.local);
    expect(nic.mtu).toBe(1400);
    expect(addresses).toEqual(expect.arrayContaining([FIXED, 'fd00::50']));
    expect(await answered(FIXED, 'ip route show default')).toContain('via 192.0.2.1');
    const ids = await Promise.all([FIXED, address].map(one => answered(one, 'cat /etc/machine-id')));
    expect(new Set(ids).size).toBe(2);

    await knowsWhereTheyAre({ fixed: FIXED, lease: address });
    await logsInFromTheHost(address);

    const proof = await box.vmnet('verify', '--timeout', '120', file);
    const paths = proof.json.checks.filter((check: { name: string }) => check.name === 'path');
    expect(paths.map((check: { verdict?: string; status?: string }) => check)).toMatchObject([
      { verdict: 'direct' },
      { verdict: 'direct' },
    ]);

    expect((await box.vmnet('provision', '--no-verify', file)).json.changed).toBe(0);
    const state = await box.run('sh', '-c', 'find "$VMNET_STATE_DIR" -name "seed-*" -printf "%m %u %f\\n"');
    expect(state.trim().split('\n')).toHaveLength(2);
    for (const line of state.trim().split('\n')) expect(line).toMatch(/^600 root seed-[0-9a-f]{12}\.iso$/);
    const leaks = await box.attempt('host', 'grep', '-rlF', SECRET, `${await stateDir()}/labs`);
    expect(leaks.stdout).toBe('');

    expect((await box.vmnet('destroy', 'debian')).json.error).toBeNull();
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

/** From the agents themselves, which may come up after sshd. */
async function knowsWhereTheyAre(wanted: Readonly<Record<string, string>>): Promise<void> {
  type Nic = { addresses: { address: string; source: string }[] };
  for (const [name, address] of Object.entries(wanted)) {
    let nic: Nic | undefined;
    for (let i = 0; i < 60 && nic?.addresses[0]?.source !== 'agent'; i++) {
      if (i > 0) await sleep(2000);
      const { vms } = (await box.vmnet('status', 'debian')).json;
      nic = vms.find((vm: { name: string }) => vm.name === name).nics[0];
    }
    expect(nic?.addresses).toContainEqual({ address, source: 'agent' });
  }
}

/** br0 has no address: not before the host has one in the guests' network. */
async function logsInFromTheHost(address: string): Promise<void> {
  const login = ['ssh', '--user', 'root', '--identity', `${box.folder}/key`, 'lease', '--'];
  const refused = await box.vmnet(...login, 'true');
  expect(refused.json.error.message).toMatch(/^this host cannot reach lease: 192\.0\.2\.\d+ has no route/);
  expect(refused.json.error.hint).toContain('vmnet console debian/lease');
  await box.run('ip', 'address', 'add', '192.0.2.3/24', 'dev', 'br0');
  const inside = await box.vmnetText(...login, 'cat', '/etc/hostname');
  expect([inside.code, inside.stdout]).toEqual([0, 'lease\n']);
  expect((await box.vmnetText(...login, 'exit 7')).code).toBe(7);
  // Debian's ssh hashes the names.
  const known = ['ssh-keygen', '-F', 'lease.debian', '-f', `${await stateDir()}/labs/debian/known_hosts`];
  expect(await box.run(...known)).toContain(' ssh-ed25519 ');

  const config = `${box.folder}/ssh_config`;
  await writeFile(config, 'Host nobody\n  Port 23');
  expect(
    (await box.vmnet('hosts', 'debian', '--format', 'ssh-config', '--write', config)).json.error,
  ).toBeNull();
  const short = [
    'ssh',
    '-F',
    config,
    '-i',
    `${box.folder}/key`,
    '-l',
    'root',
    '-o',
    'UserKnownHostsFile=/dev/null',
  ];
  expect((await box.attempt('host', ...short, 'fixed.debian', 'hostname')).stdout).toBe('fixed-one\n');
  expect(await readFile(config, 'utf8')).toContain(`HostName ${address}\n`);
  expect((await box.vmnet('hosts', 'debian', '--remove')).json.left).toEqual([]);
  expect(await readFile(config, 'utf8')).toBe('Host nobody\n  Port 23');
  await box.run('ip', 'address', 'del', '192.0.2.3/24', 'dev', 'br0');
}

const stateDir = async () => (await box.run('sh', '-c', 'echo "$VMNET_STATE_DIR"')).trim();
