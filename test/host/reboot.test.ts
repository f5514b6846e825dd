import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// What a reboot leaves: records and domains of an older boot, and no link of ours.

const RECORD = '/run/vmnet-state/labs/rebooted/record.json';

let box: Box;
let file: string;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up();
  file = await box.lab({
    name: 'rebooted',
    bridges: { br0: { uplink: 'eth0', peers: ['192.0.2.1'] } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });
  before = await box.snapshot();
});

afterAll(() => box?.down());

/** Provision, then take away what a reboot takes away: the NIC is as it was found, guests are shut off. */
async function reboot(...flags: string[]): Promise<void> {
  expect((await box.vmnet('provision', ...flags, file)).json.error).toBeNull();
  const record = await box.run('cat', RECORD);
  await box.attempt('host', 'virsh', '-q', 'destroy', 'rebooted-a');
  await box.vmnet('destroy', '--network-only', 'rebooted');
  const older = record.replace(/"bootId": "[^"]*"/, '"bootId": "an older one"');
  // The uplink was something else then: nothing of that may count.
  const stale = older
    .replace('"up": true', '"up": false')
    .replace('"addrGenMode": "0"', '"addrGenMode": "3"');
  await box.run('sh', '-c', `mkdir -p \${0%/*} && printf %s "$1" > $0`, RECORD, stale);
}

describe('after a reboot', () => {
  it('status and list say so, and how the network comes back', async () => {
    await reboot('--network-only');
    const said = `rebooted: the host was rebooted since, and its network plane is gone. vmnet provision ${file} brings it back`;
    expect((await box.vmnetText('status')).stdout).toContain(said);
    expect((await box.vmnetText('list')).stdout).toContain(said);
    expect((await box.vmnet('status', 'rebooted')).json.rebooted).toEqual(['rebooted']);
    expect((await box.vmnet('destroy', 'rebooted')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('provision begins anew: what the uplink was then is not restored', async () => {
    await reboot('--network-only');
    expect((await box.vmnet('provision', '--network-only', file)).json).toMatchObject({
      ok: true,
      changed: 3,
    });
    expect((await box.vmnet('status', 'rebooted')).json.rebooted).toEqual([]);
    expect((await box.vmnet('destroy', 'rebooted')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('the record alone brings the network back, though a peer is silent and the file is gone', async () => {
    await reboot('--network-only');
    await box.run('rm', file);
    await box.lan('ip', 'addr', 'del', '192.0.2.1/24', 'dev', 'lan0');
    const up = await box.vmnet('boot', 'rebooted');
    await box.lan('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'lan0');
    expect(up.json).toMatchObject({ ok: true, lab: 'rebooted', changed: 3 });
    expect(await box.pingFromLan('192.0.2.2')).toBe(3);
    expect((await box.vmnet('boot', 'rebooted')).json.changed).toBe(0);
    expect((await box.vmnet('destroy', 'rebooted')).code).toBe(0);
    expect(await box.differenceFrom(before)).toEqual([]);
    file = await box.lab({
      name: 'rebooted',
      bridges: { br0: { uplink: 'eth0' } },
      vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
    });
  });

  it('a domain that is still defined finds its tap again, and destroy removes it', async () => {
    await reboot();
    expect((await box.vmnet('boot', 'rebooted')).json.error).toBeNull();
    await box.run('virsh', '-q', 'start', 'rebooted-a');
    expect((await box.vmnet('status', 'rebooted')).json.vms).toMatchObject([
      { state: 'running', nics: [{ present: true }] },
    ]);
    expect((await box.vmnet('destroy', 'rebooted')).json.error).toBeNull();
    expect(await box.run('virsh', 'list', '--all', '--name')).not.toContain('rebooted');
    expect(await box.differenceFrom(before)).toEqual([]);
  });

  it('destroy removes the domains that are left', async () => {
    await reboot();
    expect((await box.vmnetText('status', 'rebooted')).stdout).toContain('its domains are still defined');
    expect((await box.vmnet('destroy', 'rebooted')).json).toMatchObject({ ok: true, changed: 1 });
    expect(await box.differenceFrom(before)).toEqual([]);
  });
});

describe('enable', () => {
  it('is refused where no systemd is in charge, as in a container', async () => {
    const answer = await box.vmnet('enable', 'rebooted');
    expect([answer.code, answer.json.error.code]).toEqual([1, 'missing-tool']);
  });
});
