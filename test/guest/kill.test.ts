import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box, type Ended } from '../support/box.js';

// vmnet, or libvirtd, killed with -9 around running guests: links, domains, QEMU processes and consoles come back.

let box: Box;
let file: string;
let before: Snapshot;

const nics = [{ bridge: 'br0' }];
const lab = (vms: object) => ({
  name: 'cut',
  bridges: { br0: { uplink: 'eth0' } },
  defaults: { vm: { boot: 'probe' } },
  vms,
});

beforeAll(async () => {
  box = await Box.up();
  file = await box.lab(lab({ a: { nics }, b: { nics } }));
  before = await box.snapshot();
});

afterAll(() => box?.down());

// What libvirt writes when it knows a domain, and while that runs.
const DEFINED = '[ -e /etc/libvirt/qemu/cut-a.xml ]';
const STARTED = '[ -e /run/libvirt/qemu/cut-a.pid ]';
/** Not earlier: of a guest that it was about to start as it was killed, libvirtd knows nothing for minutes. */
const BOTH_RUNNING = '[ "$(virsh -q list --state-running | grep -c cut-)" = 2 ]';
const BOTH_STARTED = `${STARTED} && [ -e /run/libvirt/qemu/cut-b.pid ]`;

/** Run vmnet, and do something as soon as a condition of the shell holds; in both, `$pid` is vmnet. */
const when = (condition: string, act: string, ...words: string[]): Promise<Ended> =>
  box.killedIn(
    [
      'sh',
      '-c',
      `"$@" & pid=$!; until ${condition}; do kill -0 $pid || break; done; ${act}; wait $pid`,
      'sh',
    ],
    ...words,
  );

/** The same, and what is done is to kill it. */
async function killedWhen(condition: string, ...words: string[]): Promise<void> {
  expect(await when(condition, 'kill -9 $pid', ...words)).toMatchObject({ code: 137, stdout: '' });
}

const provision = ['provision', '--no-verify'];
const running = async () =>
  (await box.run('virsh', '-q', 'list', '--name')).split('\n').filter(Boolean).sort();
const restored = async () => expect(await box.differenceFrom(before)).toEqual([]);

describe('provision killed', () => {
  it('while guests are defined: the next one converges', async () => {
    await killedWhen(DEFINED, ...provision, file);
    expect((await box.vmnet(...provision, file)).json.error).toBeNull();
    expect(await running()).toEqual(['cut-a', 'cut-b']);
    expect((await box.vmnet(...provision, file)).json.changed).toBe(0);
  });

  it('while it restarts one guest and removes another: recover brings both back, running as before', async () => {
    const other = await box.lab(lab({ a: { nics, memory: '160MiB' } }), 'other.json');
    await killedWhen(`! { ${STARTED}; }`, ...provision, '--restart', other);
    expect((await box.vmnet('recover')).json).toMatchObject({ error: null, recovered: { cut: 'undone' } });
    expect(await running()).toEqual(['cut-a', 'cut-b']);
    expect(await box.run('virsh', 'dominfo', 'cut-a')).toContain('131072 KiB');
    expect((await box.vmnet('plan', file)).json.plan.phases).toEqual([]);
  });
});

describe('destroy killed', () => {
  it('after guests were stopped: recover carries it on, and destroy ends it', async () => {
    await killedWhen(`! { ${STARTED}; }`, 'destroy', 'cut');
    expect((await box.vmnet('recover')).json.recovered).toEqual({ cut: 'carried on' });
    expect((await box.vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored();
  });
});

describe('provision killed', () => {
  it('while guests are started: recover undoes it', async () => {
    await killedWhen(STARTED, ...provision, file);
    expect((await box.vmnet('recover')).json).toMatchObject({ error: null, recovered: { cut: 'undone' } });
    await restored();
  });

  it('while it waits for guests to be up: destroy undoes it', async () => {
    await killedWhen(BOTH_STARTED, ...provision, file);
    expect((await box.vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored();
  });
});

describe('libvirtd killed', () => {
  // Without a process more, which would take longer than vmnet from one phase to the next.
  const KILL_DAEMON = 'read daemon < /run/libvirtd.pid; kill -9 $daemon';
  const daemonAgain = () =>
    box.run(
      'sh',
      '-c',
      'rm -f /run/libvirtd.pid; libvirtd -d -f /etc/libvirt/libvirtd.conf -p /run/libvirtd.pid > /run/libvirtd.out 2>&1',
    );
  const restoredWith = async (...words: string[]) => {
    // Without libvirt nobody can say that the guests are gone, and nobody does.
    for (const verb of [['recover'], ['destroy', 'cut']])
      expect((await box.vmnet(...verb)).json.ok, verb.join(' ')).toBe(false);
    await daemonAgain();
    expect((await box.vmnet(...words)).json.error).toBeNull();
    await restored();
  };

  it.each<[string, string, string[]]>([
    ['defined', DEFINED, ['recover']],
    ['booting', BOTH_RUNNING, ['destroy', 'cut']],
  ])(
    'while guests are %s: exit 4 says what is left, and it can be finished',
    async (_, condition, finish) => {
      const ended = await when(condition, KILL_DAEMON, ...provision, file);
      expect(ended.code).toBe(4);
      const { error } = JSON.parse(ended.stdout);
      expect(error.code).toBe('not-restored');
      expect(error.hint).toMatch(/could not be looked at again[\s\S]*undefine cut-a[\s\S]*To finish: vmnet /);
      expect(await box.run('ip', '-br', 'link')).not.toContain('br0');
      await restoredWith(...finish);
    },
  );

  it('while it is destroyed: exit 4, and destroy finishes', async () => {
    expect((await box.vmnet(...provision, file)).json.error).toBeNull();
    const ended = await when(`! { ${STARTED}; }`, KILL_DAEMON, 'destroy', 'cut');
    expect(ended.code).toBe(4);
    expect(JSON.parse(ended.stdout).error.hint).toContain('To finish: vmnet destroy cut');
    await daemonAgain();
    expect((await box.vmnet('destroy', 'cut')).json.error).toBeNull();
    await restored();
  });
});
