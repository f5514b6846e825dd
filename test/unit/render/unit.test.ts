import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deviceUnit, UNIT_MARK, unitName, unitText } from '../../../src/render/unit.js';
import { labFrom } from '../../fakes/labs.js';

const lab = (bridges: object) => labFrom({ version: 1, name: 'home-lab', bridges });
const PLAIN = { command: ['/usr/bin/node', '/opt/vmnet/dist/cli.js'], stateDir: '/var/lib/vmnet' };

/** Lines that begin with one of these keys. */
const lines = (text: string, ...keys: string[]) =>
  text.split('\n').filter(line => keys.some(key => line.startsWith(`${key}=`)));

describe('the unit of a lab', () => {
  test('waits for the addresses that are to move, and comes before whatever starts guests', () => {
    const text = unitText(lab({ br0: { uplink: 'eth0' }, br1: { uplink: 'enp-3' }, br2: {} }), PLAIN);
    expect(text.split('\n')[0]).toBe(UNIT_MARK);
    const order =
      'network-online.target sys-subsystem-net-devices-eth0.device sys-subsystem-net-devices-enp\\x2d3.device';
    expect(lines(text, 'Wants', 'After', 'Before')).toEqual([
      `Wants=${order}`,
      `After=${order}`,
      'Before=libvirtd.service virtqemud.service libvirt-guests.service',
    ]);
    expect(lines(text, 'Type', 'RemainAfterExit', 'Environment', 'ExecStart')).toEqual([
      'Type=oneshot',
      'RemainAfterExit=yes',
      'Environment=VMNET_STATE_DIR=/var/lib/vmnet',
      'ExecStart=/usr/bin/node /opt/vmnet/dist/cli.js boot home-lab',
    ]);
  });

  test('waits for no addresses where none are to move', () => {
    const text = unitText(lab({ br0: { uplink: 'eth0', address: 'none' } }), PLAIN);
    expect(lines(text, 'After')).toEqual(['After=network.target sys-subsystem-net-devices-eth0.device']);
    expect(lines(unitText(lab({ br0: {} }), PLAIN), 'Wants', 'After')).toEqual(['After=network.target']);
  });

  test('quotes paths as systemd reads them', () => {
    const odd = { command: ['/o p/$n/node', '/o p/100%/$HOME/"cli"\\.js'], stateDir: '/var/my labs/5%' };
    const text = unitText(lab({ br0: {} }), odd);
    expect(lines(text, 'ExecStart', 'Environment', 'RequiresMountsFor')).toEqual([
      'RequiresMountsFor="/var/my labs/5%%" "/o p/$n/node" "/o p/100%%/$HOME/\\"cli\\"\\\\.js"',
      'Environment="VMNET_STATE_DIR=/var/my labs/5%%"',
      'ExecStart="/o p/$n/node" "/o p/100%%/$$HOME/\\"cli\\"\\\\.js" boot home-lab',
    ]);
  });

  test.runIf(has('systemd-analyze'))('is one that systemd takes, whatever the paths', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'));
    try {
      const node = join(folder, 'a 5% $node');
      symlinkSync(process.execPath, node);
      const command = [node, join(folder, 'c $l i.js')];
      const file = join(folder, unitName('home-lab'));
      writeFileSync(
        file,
        unitText(lab({ br0: { uplink: 'enp-3' } }), { command, stateDir: join(folder, 's 1%') }),
      );
      const said = execFileSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(said).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.runIf(has('systemd-escape'))('the name of a device unit is what systemd-escape makes of it', () => {
  for (const nic of ['eth0', 'enp-3s0', 'eth0.10', 'a_b', 'w:1']) {
    const made = execFileSync('systemd-escape', [
      '--path',
      '--suffix=device',
      `/sys/subsystem/net/devices/${nic}`,
    ]);
    expect(deviceUnit(nic)).toBe(made.toString().trim());
  }
});

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
