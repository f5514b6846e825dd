import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inSandbox } from '../../src/sandbox/sandbox.js';
import { Box } from '../support/box.js';

// What else is on the host and would not get along with a lab, as kernel and libvirt tell it.

const MAC = '52:54:00:12:34:56';

let box: Box;

beforeAll(async () => {
  box = await Box.up();
  await box.run('ip', 'link', 'add', 'name', 'br9', 'type', 'bridge');
  await box.run('ip', 'link', 'set', 'dev', 'br9', 'up');
});

afterAll(() => box?.down());

const boot = { kernel: '/dev/null' };

/** What `vmnet plan` refuses a lab with. */
async function refusal(content: object, ...flags: string[]): Promise<string> {
  const answer = await box.vmnet('plan', ...flags, await box.lab({ name: 'clash', ...content }));
  if (answer.json.error === null) return '';
  expect([answer.code, answer.json.error.code]).toEqual([1, 'conflict']);
  return answer.json.error.message;
}

describe('a MAC', () => {
  const lab = {
    bridges: { br9: { permanent: true } },
    vms: { a: { boot, nics: [{ bridge: 'br9', mac: MAC }] } },
  };

  it('that a machine behind another port has: the bridge has learned it', async () => {
    await box.run('ip', 'link', 'add', 'port9', 'type', 'veth', 'peer', 'name', 'far9', 'address', MAC);
    await box.run('ip', 'netns', 'add', 'far');
    try {
      const inside = ['ip', 'netns', 'exec', 'far'];
      await box.run('ip', 'link', 'set', 'dev', 'far9', 'netns', 'far');
      await box.run('ip', 'link', 'set', 'dev', 'port9', 'master', 'br9', 'up');
      expect(await refusal(lab, '--network-only')).toBe('');
      await box.run(...inside, 'ip', 'link', 'set', 'dev', 'far9', 'up');
      await box.run(...inside, 'ip', 'address', 'add', '10.9.0.2/24', 'dev', 'far9');
      await box.attempt('host', ...inside, 'ping', '-c', '1', '-W', '1', '10.9.0.1');
      expect(await refusal(lab, '--network-only')).toContain(`${MAC} was seen behind port9`);
      expect(await refusal(lab, '--network-only', '--yes')).toBe('');
    } finally {
      await box.run('ip', 'netns', 'del', 'far');
    }
  });

  it('and a tap name of a domain that somebody defined', async () => {
    const xml = join(box.folder, 'clone.xml');
    const nic = `<interface type='ethernet'><mac address='${MAC}'/><target dev='t9' managed='no'/></interface>`;
    await writeFile(
      xml,
      `<domain type='qemu'><name>clone</name><memory>65536</memory><os><type>hvm</type></os><devices>${nic}</devices></domain>`,
    );
    await box.run('virsh', '-q', 'define', xml);
    try {
      expect(await refusal(lab)).toContain(`${MAC} is that of the domain clone`);
      expect(await refusal(lab, '--yes')).toBe('');
      const tap = { ...lab, vms: { a: { boot, nics: [{ bridge: 'br9', tap: 't9' }] } } };
      expect(await refusal(tap, '--yes')).toContain('t9 of a is also named by the domain clone');
    } finally {
      await box.run('virsh', '-q', 'undefine', 'clone');
    }
  });
});

describe('a tap', () => {
  const lab = { bridges: { br9: { permanent: true } }, vms: { a: { boot, nics: [{ bridge: 'br9' }] } } };

  it('that some process has open', async () => {
    const file = await box.lab({ name: 'clash', ...lab });
    expect((await box.vmnet('provision', '--network-only', file)).json.error).toBeNull();
    const [tap = ''] = (await box.run('ls', '/sys/class/net'))
      .split('\n')
      .filter(name => name.startsWith('a-'));
    expect(await refusal(lab)).toBe('');
    const holder = await open(tap);
    try {
      expect(await refusal(lab)).toContain(`the tap ${tap} of a is busy`);
    } finally {
      await ended(holder);
    }
    expect(await refusal(lab)).toBe('');
    expect((await box.vmnet('destroy', 'clash')).json.error).toBeNull();
  });
});

/** A process that has a tap open: QEMU, without a machine. */
async function open(tap: string): Promise<ChildProcess> {
  const netdev = `tap,id=net,ifname=${tap},script=no,downscript=no,vhost=off`;
  const qemu = [
    'qemu-system-x86_64',
    '-M',
    'none',
    '-display',
    'none',
    '-monitor',
    'stdio',
    '-netdev',
    netdev,
  ];
  const [file = '', ...args] = inSandbox(box.sandbox, 'host', qemu);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', () => reject(new Error(`nobody could open the tap ${tap}`)));
  });
  return child;
}

function ended(child: ChildProcess): Promise<unknown> {
  const end = new Promise(resolve => child.once('close', resolve));
  child.stdin?.end('quit\n');
  return end;
}

describe('a subnet', () => {
  const on = (address: string) => refusal({ bridges: { br0: { address } } }, '--network-only');

  it('of a bridge that somebody else made', async () => {
    await box.run('ip', 'address', 'add', '192.168.122.1/24', 'dev', 'br9');
    expect(await on('192.168.122.200/25')).toContain('192.168.122.0/24 dev br9');
    expect(await on('192.168.123.1/24')).toBe('');
    await box.run('ip', 'address', 'del', '192.168.122.1/24', 'dev', 'br9');
  });

  it("of the uplink, seen from a bridge without one; but not the default route's", async () => {
    expect(await on('192.0.2.129/25')).toContain('192.0.2.0/24 dev eth0');
    expect(await on('fd00:db8::99/64')).toContain('fd00:db8::/64 dev eth0');
    expect(await box.run('ip', 'route')).toContain('default via');
    expect(await on('10.0.0.1/8')).toBe('');
    expect(await on('fd01::1/64')).toBe('');
  });
});

describe('an MTU', () => {
  const uplink = { bridges: { br0: { uplink: 'eth0', mtu: 9000 } } };

  it('larger than that of the uplink', async () => {
    expect(await refusal(uplink, '--network-only')).toContain('more than the 1500 of its uplink eth0');
    await box.run('ip', 'link', 'set', 'dev', 'eth0', 'mtu', '9000');
    expect(await refusal(uplink, '--network-only')).toBe('');
    await box.run('ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1500');
  });
});
