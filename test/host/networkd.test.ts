import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planUnmanaged } from '../../src/plan/unmanaged.js';
import { FakeHost } from '../fakes/host.js';
import { labFrom } from '../fakes/labs.js';
import type { Box } from '../support/box.js';
import { acknowledged, acknowledgedAgain, addressesOf, dhcpBox, pinging } from '../support/dhcp.js';

// A real systemd-networkd with a bus of its own, in a throw-away host whose first process is no systemd: it is seen by
// what it writes, and its commands are run by hand.

const LAB = {
  name: 'owned',
  bridges: { br0: { uplink: 'eth0' } },
  vms: { a: { boot: 'probe', nics: [{ bridge: 'br0', tap: 'tap-a' }] } },
};

let box: Box;

/** Takes hold of every Ethernet link. */
const NETWORK = `[Match]
Name=eth0 br0 tap-*

[Network]
DHCP=ipv4
LinkLocalAddressing=no

[DHCPv4]
UseHostname=no
UseDNS=no
UseTimezone=no
`;

beforeAll(async () => {
  box = await dhcpBox();
  await box.run('mkdir', '-p', '/run/systemd/network', '/run/systemd/netif', '/run/dbus', '/run/none');
  await box.run('mount', '--bind', '/run/none', '/etc/systemd/network');
  await box.run('sh', '-c', `cat > /run/systemd/network/50-lan.network <<'EOF'\n${NETWORK}EOF`);
  await box.run('chown', '-R', 'systemd-network', '/run/systemd/netif');
  await box.run('dbus-daemon', '--system', '--fork', '--nopidfile');
  await startNetworkd();
  for (let i = 0; i < 100 && (await addressesOf(box, 'eth0')).length === 0; i++) await sleep(200);
});

afterAll(() => box?.down());

const startNetworkd = () =>
  box.run(
    'sh',
    '-c',
    'setsid $(ls /usr/lib/systemd/systemd-networkd /lib/systemd/systemd-networkd 2> /dev/null | head -n 1) > /run/networkd.log 2>&1 < /dev/null & echo $! > /run/networkd.pid',
  );

/** Ended as systemd would, and started again. */
async function restartNetworkd(): Promise<void> {
  const gone =
    'kill $(cat /run/networkd.pid); while kill -0 $(cat /run/networkd.pid) 2> /dev/null; do sleep 0.1; done';
  await box.run('timeout', '20', 'sh', '-c', gone);
  await startNetworkd();
}

describe('an uplink of systemd-networkd', () => {
  it('provision says who holds the lease and refuses; with --yes it says what may come of it', async () => {
    const file = await box.lab(LAB);
    const refused = await box.vmnetAsIs('provision', '--network-only', file);
    expect([refused.code, refused.json.error.code]).toEqual([1, 'conflict']);
    expect(refused.json.error.message).toMatch(
      /systemd-networkd holds them \(it is config\w+ by \/run\/systemd\/network\/50-lan.network\)/,
    );
    const { json } = await box.vmnet('plan', '--network-only', '--yes', file);
    expect(json.plan.notes[0]).toMatch(/^eth0 is looked after by systemd-networkd/);
  });

  it('lets the links be that it is told of, and takes hold of them when that is taken back', async () => {
    const path = '/run/systemd/network/00-vmnet-owned.network';
    const host = {
      ...new FakeHost().observe(),
      managers: [{ name: 'systemd-networkd' as const, path, text: null }],
    };
    const [action] = planUnmanaged(labFrom({ version: 1, ...LAB }), host)[0]?.do ?? [];
    if (action?.kind !== 'tell' || action.reload === null) throw new Error('it is not told');
    await box.run('sh', '-c', `cat > ${path} <<'EOF'\n${action.text}EOF`);
    await box.run(...action.reload);
    await box.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
    await box.run('ip', 'tuntap', 'add', 'dev', 'tap-a', 'mode', 'tap');
    expect(await setupOf('unmanaged')).toEqual({
      br0: 'unmanaged',
      eth0: 'configured',
      'tap-a': 'unmanaged',
    });
    await box.run('rm', path);
    await box.run(...action.reload);
    expect(Object.values(await setupOf('config'))).not.toContain('unmanaged');
  });
});

describe('where systemd may be asked', () => {
  it('its lease moves to the bridge with the same address, and back', async () => {
    await box.attempt('host', 'sh', '-c', 'ip link del br0; ip link del tap-a; sleep 1');
    // The first process is none, so the guard that it would start is left out.
    await box.run('sh', '-c', 'echo systemd > /run/comm && mount --bind /run/comm /proc/1/comm');
    const file = await box.lab(LAB);
    const [had] = await addressesOf(box, 'eth0');
    const before = await box.snapshot();
    const pings = pinging(box, had?.local ?? '');
    const up = await box.vmnet('provision', '--network-only', '--rollback-after', '0', file);
    expect(up.json.error).toBeNull();
    expect((await addressesOf(box, 'br0')).map(({ local }) => local)).toEqual([had?.local]);
    expect(await addressesOf(box, 'eth0')).toEqual([]);
    expect(await setupOf('configured')).toEqual({
      br0: 'configured',
      eth0: 'unmanaged',
      'tap-a': 'unmanaged',
    });
    expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
    const than = await acknowledged(box);
    await box.run('networkctl', 'renew', 'br0');
    expect(await acknowledgedAgain(box, than, 5)).toBe(true);
    expect((await box.vmnet('destroy', 'owned')).json.error).toBeNull();
    const { sent, lost } = await pings.stop();
    console.log(`systemd-networkd: ${lost} of ${sent} pings lost`);
    expect((await addressesOf(box, 'eth0')).map(({ local }) => local)).toEqual([had?.local]);
    expect(await setupOf('none')).toEqual({ eth0: 'configured' });
    expect(await box.differenceFrom(before)).toEqual([]);
    // The addresses are taken off for a moment when networkd begins anew on the uplink.
    expect(lost).toBeLessThan(10);
  });
});

describe('an uplink from which nothing moves', () => {
  const plane = { ...LAB, bridges: { br0: { uplink: 'eth0', address: 'none' } } };
  const states = async () => (await setupOf('unmanaged')).eth0;
  const master = async () => JSON.parse(await box.run('ip', '-j', 'link', 'show', 'dev', 'eth0'))[0].master;

  /** Stays a port when networkd starts again, and is networkd's when the lab is gone. */
  async function staysAPort(before: string, ...words: string[]): Promise<void> {
    const up = await box.vmnet('provision', '--network-only', ...words, await box.lab(plane));
    expect([up.json.error, await master(), await states()]).toEqual([null, 'br0', before]);
    await restartNetworkd();
    expect([await states(), await master()]).toEqual(['unmanaged', 'br0']);
    await sleep(2_000);
    expect(await master()).toBe('br0');
    expect((await box.vmnet('destroy', 'owned')).json.error).toBeNull();
    for (let i = 0; i < 50 && (await setupOf('none')).eth0 !== 'configured'; i++) await sleep(200);
    expect((await setupOf('none')).eth0).toBe('configured');
  }

  it('stays a port with its addresses, which no longer work: told when networkd starts', async () => {
    await staysAPort('configured', '--yes');
    expect(await addressesOf(box, 'eth0')).toHaveLength(1);
  });

  it('stays a port without any: told at once', async () => {
    await box.run('sed', '-i', 's/DHCP=ipv4/DHCP=no/', '/run/systemd/network/50-lan.network');
    await box.run('networkctl', 'reload');
    for (let i = 0; i < 50 && (await addressesOf(box, 'eth0')).length > 0; i++) await sleep(200);
    await staysAPort('unmanaged');
  });
});

/** What networkd says of each link, once it has said this of the bridge. */
async function setupOf(word: string): Promise<Record<string, string>> {
  let found: Record<string, string> = {};
  for (let i = 0; i < (word === 'none' ? 1 : 50) && !found.br0?.startsWith(word); i++) {
    const { stdout } = await box.attempt('host', 'networkctl', '--no-legend', '--no-pager', 'list');
    const rows = stdout.split('\n').map(line => line.trim().split(/\s+/));
    found = Object.fromEntries(
      rows.filter(row => row[1] && row[1] !== 'lo').map(row => [row[1], row[4] ?? '']),
    );
    await sleep(100);
  }
  return found;
}
