import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// VLANs of Linux bridges, where the kernel has them; where it has not, that vmnet says so.

const NIC = { name: 'eth0', host: ['192.0.2.2/24'], lan: ['192.0.2.1/24'], gateways: [] };

let box: Box;
let before: Snapshot;

beforeEach(async () => {
  box = await Box.up([NIC]);
  before = await box.snapshot();
}, 60_000);
afterEach(() => box?.down());

/** Tried by hand, not by vmnet's own probe. */
async function kernelCan(...words: string[]): Promise<boolean> {
  return (await box.attempt('host', 'unshare', '--net', ...words)).code === 0;
}

const filters = () => kernelCan('ip', 'link', 'add', 'name', 'b', 'type', 'bridge', 'vlan_filtering', '1');

const tagsInterfaces = () =>
  kernelCan(
    'sh',
    '-ec',
    'ip link add name v0 type veth peer name v1; ip link add link v1 name v1.7 type vlan id 7',
  );

const filtering = (nics: object[]) => ({
  name: 'vlans',
  bridges: { br0: { uplink: 'eth0', vlanFiltering: true } },
  vms: { web: { boot: 'probe', nics: nics.map((nic, i) => ({ bridge: 'br0', tap: `tap${i}`, ...nic })) } },
});

const leftOut = (what: string, lacks: string) =>
  console.warn(`LEFT OUT: ${what}, since this kernel lacks ${lacks}; that vmnet says so was tested instead`);

describe('VLANs on a Linux bridge', { timeout: 60_000 }, () => {
  test('ports carry theirs; a second run changes nothing; drift is mended; destroy leaves no trace', async () => {
    const nics = [{ vlan: { access: 10 } }, { vlan: { trunk: [10, 20], native: 5 } }, {}];
    const file = await box.lab(filtering(nics));
    const answer = await box.vmnet('provision', '--network-only', file);
    if (!(await filters())) {
      leftOut('VLANs on a Linux bridge', 'CONFIG_BRIDGE_VLAN_FILTERING');
      expect(answer.code).toBe(2);
      expect(answer.json.error.message).toContain(
        'bridges.br0.vlanFiltering: the kernel of this host cannot',
      );
      expect(answer.json.error.hint).toContain('CONFIG_BRIDGE_VLAN_FILTERING');
      expect(await box.differenceFrom(before)).toEqual([]);
      return;
    }
    expect(answer.code, answer.stderr).toBe(0);
    const vlans = async () => {
      const ports = JSON.parse(await box.run('bridge', '-j', 'vlan', 'show'));
      return Object.fromEntries(
        ports.map((port: { ifname: string; vlans: { vlan: number; flags?: string[] }[] }) => [
          port.ifname,
          port.vlans.map(({ vlan, flags = [] }) => `${vlan}${flags.includes('PVID') ? ' pvid' : ''}`),
        ]),
      );
    };
    const wanted = {
      br0: ['1 pvid'],
      eth0: ['1 pvid', '5', '10', '20'],
      tap0: ['10 pvid'],
      tap1: ['5 pvid', '10', '20'],
      tap2: ['1 pvid'],
    };
    expect(await vlans()).toMatchObject(wanted);
    expect((await box.vmnet('provision', '--network-only', file)).json).toMatchObject({ changed: 0 });
    await box.run('bridge', 'vlan', 'add', 'dev', 'tap0', 'vid', '30');
    await box.run('bridge', 'vlan', 'del', 'dev', 'eth0', 'vid', '20');
    expect((await box.vmnet('provision', '--network-only', file)).json).toMatchObject({ changed: 2 });
    expect(await vlans()).toMatchObject(wanted);
    expect(await box.pingFromLan('192.0.2.2')).toBe(3);
    expect((await box.vmnet('destroy', 'vlans')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  test('an uplink eth0.10 is made, marked, and gone after destroy', async () => {
    const file = await box.lab({ name: 'sub', bridges: { br10: { uplink: 'eth0.10' } } });
    const answer = await box.vmnet('provision', '--network-only', file);
    if (!(await tagsInterfaces())) {
      leftOut('an uplink eth0.10', 'CONFIG_VLAN_8021Q');
      expect(answer.code).toBe(2);
      expect(answer.json.error.message).toContain(
        'eth0.10: the kernel of this host cannot make VLAN interfaces',
      );
      expect(await box.differenceFrom(before)).toEqual([]);
      return;
    }
    expect(answer.code, answer.stderr).toBe(0);
    const [link] = JSON.parse(await box.run('ip', '-j', '-d', 'link', 'show', 'eth0.10'));
    expect(link).toMatchObject({ master: 'br10', altnames: ['vmnet.sub.uplink.eth0.10'] });
    expect((await box.vmnet('provision', '--network-only', file)).json).toMatchObject({ changed: 0 });
    expect((await box.vmnet('destroy', 'sub')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});
