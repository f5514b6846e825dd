import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDrivers } from '../../src/drivers/drivers.js';
import { buildProbe } from '../../src/guest/build.js';
import { Box } from '../support/box.js';

// Where guests are: each of them is told of by another source. Those of a kernel have an address that no lab file names.

type Found = { readonly address: string; readonly source: string };

let box: Box;

const FOREIGN = '52:54:00:0f:00:01';
const HIDDEN = '52:54:00:0f:00:02';

beforeAll(async () => {
  box = await Box.up();
  const drivers = makeDrivers({}, process.env);
  const { kernel, initrd } = await buildProbe(drivers);
  const itself = (mac: string, address: string) => ({
    boot: {
      kernel,
      initrd,
      cmdline: `console=ttyS0 quiet panic=-1 net.ifnames=0 vmnet.nic=${mac},${address}`,
    },
    memory: '112MiB',
    vcpus: 1,
  });
  const lab = await box.lab({
    name: 'find',
    bridges: {
      lan: { uplink: 'eth0', bridgeNetfilter: 'off' },
      home: { mode: 'nat', address: '10.99.0.1/24', dhcp: true, bridgeNetfilter: 'off' },
      dark: { mode: 'isolated' },
    },
    vms: {
      fixed: { boot: 'probe', nics: [{ bridge: 'lan', address: '192.0.2.40/24' }] },
      leased: { boot: 'probe', nics: [{ bridge: 'home' }] },
      foreign: { ...itself(FOREIGN, '192.0.2.77/24'), nics: [{ bridge: 'lan', mac: FOREIGN }] },
      hidden: { ...itself(HIDDEN, '198.51.100.9/24'), nics: [{ bridge: 'dark', mac: HIDDEN }] },
    },
  });
  const up = await box.vmnet('provision', '--no-verify', lab);
  expect([up.code, up.json.error]).toEqual([0, null]);
  expect(up.json.guests).toHaveLength(4);
});

afterAll(() => box?.down());

/** Global addresses, or all where there is none, of NIC 0 of each VM. */
async function status(): Promise<Record<string, string>> {
  const { json } = await box.vmnet('status', 'find');
  const shown = (all: readonly Found[]) => {
    const global = all.filter(({ address }) => !address.startsWith('fe80:'));
    return (global.length > 0 ? global : all)
      .map(({ address, source }) => `${address} (${source})`)
      .join(' ');
  };
  return Object.fromEntries(
    json.vms.map((vm: { name: string; nics: { addresses: Found[] }[] }) => [
      vm.name,
      shown(vm.nics[0]?.addresses ?? []),
    ]),
  );
}

/** Look until all of them are up, which emulation takes a while for. */
async function settled(): Promise<Record<string, string>> {
  let now = await status();
  for (let i = 0; i < 20 && Object.values(now).includes(''); i++) now = await status();
  return now;
}

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

describe('where guests are', () => {
  it('is told by the lab, a lease, the guest at its tap, and the neighbour table', async () => {
    const before = await box.run('ip', '-j', 'link', 'show');
    expect(await settled()).toEqual({
      fixed: '192.0.2.40 (lab)',
      leased: expect.stringMatching(/^10\.99\.0\.\d+ \(lease\)$/),
      foreign: '192.0.2.77 (arp)',
      hidden: expect.stringMatching(/^fe80::5054:ff:fe0f:2 \(nd\)$/),
    });
    // Nothing of the host was changed for it, and it has met nobody.
    expect(await box.run('ip', '-j', 'link', 'show')).toBe(before);
    expect(await box.run('ip', '-4', 'neigh', 'show', 'dev', 'lan')).not.toContain('192.0.2.77');
    await box.run('ping', '-c', '1', '-W', '5', '192.0.2.77');
    expect((await status()).foreign).toBe('192.0.2.77 (neighbour)');
  });

  it('asks at the tap alone: the LAN hears of no question', async () => {
    await box.run('ip', 'neigh', 'flush', 'dev', 'lan');
    const heard = box.attempt('lan', 'timeout', '3', 'tcpdump', '-nl', '-i', 'lan0', 'arp');
    await new Promise(resolve => setTimeout(resolve, 500));
    expect((await status()).foreign).toBe('192.0.2.77 (arp)');
    expect((await heard).stdout).not.toMatch(/who-has 192\.0\.2\.(77|78)/);
  });

  it('is a table for people', async () => {
    const { stdout } = await box.vmnetText('status', 'find');
    expect(stdout).toContain('192.0.2.40 (lab)');
    expect(stdout).toContain('fe80::5054:ff:fe0f:2 (nd)');
    await box.run('virsh', '-q', 'destroy', 'find-hidden');
    expect((await box.vmnetText('status', 'find')).stdout).toContain('- (not running)');
  });
});

describe('ssh', () => {
  it('goes where the guest is, and passes on how it ended: here nobody listens', async () => {
    const ended = await box.vmnetText('ssh', 'find/foreign', '--', 'true');
    expect([ended.code, ended.stderr]).toEqual([
      255,
      expect.stringMatching(/192\.0\.2\.77 port 22: .*refused/),
    ]);
  });

  it('says why there is no way, and which others there are', async () => {
    const { json, code } = await box.vmnet('ssh', 'hidden', '--', 'true');
    expect([code, json.error.code]).toEqual([3, 'check-failed']);
    expect(json.error.message).toContain('hidden: not running');
    const unknown = await box.vmnet('ssh', 'nobody', '--', 'true');
    expect(unknown.json.error).toMatchObject({
      code: 'usage',
      message: 'there is no VM "nobody" in any provisioned lab',
    });
  });
});

describe('the console', () => {
  it('is its log where there is no terminal', async () => {
    const { stdout, stderr } = await box.vmnetText('console', 'foreign');
    expect(stdout).toContain('vmnet-probe: up, 1 NICs');
    expect(stderr).toContain("No terminal: these are the last lines of the log of foreign's console.");
    expect((await box.vmnetText('console', 'foreign', '--log')).stderr).toBe('');
  });

  it('is attached to at a terminal, until Ctrl-], which leaves that as it was', async () => {
    const inner = `stty -a > /run/before; ${process.execPath} ${CLI} console foreign; echo "ended with $?"; stty -a > /run/after`;
    const typed = `(sleep 3; printf '\\035'; sleep 1) | script -qec '${inner}' /dev/null`;
    const { stdout } = await box.attempt('host', 'sh', '-c', typed);
    expect(stdout).toContain('The console of foreign. Press Enter for a prompt, and Ctrl-] to leave it.');
    expect(stdout).toContain('ended with 0');
    expect(await box.run('cat', '/run/after')).toBe(await box.run('cat', '/run/before'));
  });
});

describe('hosts', () => {
  it('keeps the names in /etc/hosts until the lab is destroyed, even where that is a mount', async () => {
    const before = '127.0.0.1 localhost\n# no line break at the end';
    await box.run(
      'sh',
      '-c',
      `printf '${before.replace('\n', '\\n')}' > /run/hosts && mount --bind /run/hosts /etc/hosts`,
    );
    const shown = (await box.vmnetText('hosts', 'find')).stdout;
    expect(shown).toContain('192.0.2.40 fixed.find fixed\n');
    expect(shown).toContain('# hidden: no address is known (not running)\n');
    expect((await box.vmnet('hosts', 'find', '--write')).json.error).toBeNull();
    expect(await box.run('getent', 'hosts', 'fixed.find')).toMatch(/^192\.0\.2\.40\s+fixed\.find fixed$/m);
    const other = `${box.folder}/config`;
    expect(
      (await box.vmnet('hosts', 'find', '--format', 'ssh-config', '--write', other)).json.error,
    ).toBeNull();
    expect(await box.run('cat', other)).toContain('Host foreign foreign.find\n  HostName 192.0.2.77\n');

    expect((await box.vmnet('destroy', 'find')).json.error).toBeNull();
    expect(await box.run('cat', '/etc/hosts')).toBe(before);
    expect((await box.attempt('host', 'cat', other)).code).toBe(1);
  });
});
