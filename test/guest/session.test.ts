import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';
import { pathsOf } from '../support/paths.js';

// Guests in the libvirt of an ordinary user, on taps that root makes for that user; each test a chapter.

/** `daemon`, whom every distribution has. */
const USER = 1;
const OTHER = 2;
const SOCKET = `/run/user/${USER}/libvirt/libvirt-sock`;
const URI = `qemu+unix:///session?socket=${SOCKET}`;

const nic = (host: number) => ({ bridge: 'br0', address: `192.0.2.${host}/24` });
const lab = (more: object = {}) => ({
  name: 'mine',
  bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
  vms: {
    web: { boot: 'probe', nics: [nic(50)] },
    db: { boot: 'probe', vcpus: 2, disks: [{ size: '8MiB' }], nics: [{ ...nic(51), queues: 2, mtu: 1400 }] },
  },
  ...more,
});

let box: Box;
let file: string;
let before: Snapshot;

/** As `sudo vmnet --connect qemu:///session …` from that user's shell. */
const sudo = (...words: string[]) =>
  box.vmnetWith({ SUDO_UID: String(USER) }, '--connect', 'qemu:///session', ...words);

/** Start the libvirt of a user, who has no right that others have not. */
async function startLibvirt(uid: number): Promise<void> {
  const [run, home] = [`/run/user/${uid}`, `/run/home-${uid}`];
  await box.run('mkdir', '-p', run, home);
  await box.run('chown', `${uid}:${uid}`, run, home);
  await box.run('chmod', '0700', run, home);
  const as = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
  const env = ['env', `HOME=${home}`, `XDG_RUNTIME_DIR=${run}`];
  await box.run('setpriv', ...as, ...env, 'libvirtd', '-d', '-p', `${run}/libvirtd.pid`);
  for (let tries = 0; (await box.attempt('host', 'test', '-S', SOCKET)).code !== 0; tries++) {
    if (tries > 100) throw new Error("the user's libvirtd made no socket");
    await sleep(100);
  }
}

beforeAll(async () => {
  box = await Box.up();
  file = await box.lab(lab());
  before = await box.snapshot();
});

afterAll(() => box?.down());

const paths = (answer: Answer) => Object.fromEntries(pathsOf(answer).map(({ vm, verdict }) => [vm, verdict]));

/** Apart from what that user's libvirt keeps for itself: logs, what it knows of QEMU, and its virtlogd. */
const leftOver = async () =>
  (await box.differenceFrom(before)).filter(
    line => !/ \/run\/home-1\/\.cache\/| virtlogd$|\/virtlogd[^/]*$/.test(line),
  );

const taps = async (): Promise<{ ifname: string; user?: number; flags: string[] }[]> =>
  JSON.parse(await box.run('ip', '-j', 'tuntap'));

/** Effective user and capabilities of each QEMU. */
async function qemus(): Promise<{ uid: string; capabilities: string }[]> {
  const pids = (await box.attempt('host', 'pgrep', '-f', '^/usr/bin/qemu-system.*guest=')).stdout.split('\n');
  return Promise.all(
    pids.filter(Boolean).map(async pid => {
      const status = await box.run('cat', `/proc/${pid}/status`);
      return {
        uid: /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? '',
        capabilities: /^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? '',
      };
    }),
  );
}

describe('guests in the libvirt of an ordinary user', () => {
  it('are refused where that does not run, with what starts it', async () => {
    const answer = await sudo('provision', file);
    expect(answer.code).toBe(1);
    expect(answer.json.error).toMatchObject({ code: 'libvirt' });
    expect(answer.json.error.message).toContain(SOCKET);
    expect(answer.json.error.hint).toContain(
      `sudo -u '#${USER}' XDG_RUNTIME_DIR=/run/user/${USER} virsh -c qemu:///session list`,
    );
    expect(await leftOver()).toEqual([]);
  });

  it('are refused to root itself, who has none', async () => {
    const { code, json } = await box.vmnet('--connect', 'qemu:///session', 'plan', file);
    expect([code, json.error.code]).toEqual([2, 'usage']);
    expect(json.error.hint).toContain('socket=/run/user/UID/libvirt/libvirt-sock');
  });

  it('are refused where the socket is not a socket, or not that user’s', async () => {
    await startLibvirt(USER);
    await box.run('mkdir', '-p', `/run/user/${OTHER}/libvirt`);
    await box.run('ln', SOCKET, `/run/user/${OTHER}/libvirt/libvirt-sock`);
    const foreign = await box.vmnetWith(
      { SUDO_UID: String(OTHER) },
      '--connect',
      'qemu:///session',
      'plan',
      file,
    );
    expect(foreign.json.error.message).toContain(`belongs to uid ${USER}, not to uid ${OTHER}`);
    await box.run('rm', '-r', `/run/user/${OTHER}`);
    const none = await box.vmnet('--connect', 'qemu:///session?socket=/etc/passwd', 'plan', file);
    expect(none.json.error.message).toContain('/etc/passwd is no socket');
    before = await box.snapshot();
  });

  it('run as that user, without a capability, on taps of that user, and are proven direct', async () => {
    const answer = await sudo('provision', file);
    expect(answer.json.error).toBeNull();
    expect([answer.code, paths(answer)]).toEqual([0, { web: 'direct', db: 'direct' }]);
    const plain = { uid: String(USER), capabilities: '0000000000000000' };
    expect(await qemus()).toEqual([plain, plain]);
    const made = await taps();
    expect(made.map(({ user }) => user)).toEqual([USER, USER]);
    expect(made.map(({ flags }) => flags.includes('multi_queue')).sort()).toEqual([false, true]);
    expect(await box.run('virsh', '-q', '-c', 'qemu:///system', 'list', '--all', '--name')).toBe('');
    expect(await box.pingFromLan('192.0.2.50')).toBe(3);
    expect(await box.pingFromLan('192.0.2.51')).toBe(3);
  });

  it('have their files in folders of root, each file theirs alone', async () => {
    const found = await box.run('find', '/run/vmnet-state/users', '-printf', '%y %U %m %P\n');
    const lines = found.trim().split('\n').sort();
    expect(lines.filter(line => !/^d 0 711 /.test(line)).map(line => line.replace(/ [^ ]*\//, ' '))).toEqual([
      `f ${USER} 600 db.log`,
      `f ${USER} 600 web.log`,
      `f ${USER} 600 disk1.qcow2`,
    ]);
    const as = ['setpriv', `--reuid=${OTHER}`, `--regid=${OTHER}`, '--clear-groups'];
    const log = `/run/vmnet-state/users/${USER}/consoles/mine/web.log`;
    expect((await box.attempt('host', ...as, 'cat', log)).code).toBe(1);
    expect((await box.attempt('host', ...as, 'ls', `/run/vmnet-state/users/${USER}`)).code).toBe(2);
  });

  it('are left alone by a second run, also where the libvirt is named in another way, or not at all', async () => {
    const named = ['--connect', `qemu:///session?socket=${SOCKET}`];
    for (const again of [await sudo('provision', file), await box.vmnet('provision', file)])
      expect([again.code, again.json.changed, again.json.error]).toEqual([0, 0, null]);
    const plan = await box.vmnet(...named, 'plan', file);
    expect(plan.json.plan.phases).toEqual([]);
  });

  it('are verified and shown by name', async () => {
    expect((await box.vmnet('verify', 'mine')).code).toBe(0);
    const { json } = await box.vmnet('status');
    expect(json.vms.map((vm: { state: string }) => vm.state)).toEqual(['running', 'running']);
  });

  it('are not forgotten by a run that names another libvirt', async () => {
    for (const words of [
      ['provision', file],
      ['destroy', 'mine'],
    ]) {
      const { code, json } = await box.vmnet('--connect', 'qemu:///system', ...words);
      expect([code, json.error.code]).toEqual([1, 'conflict']);
      expect(json.error.message).toContain(`the guests of mine are in the libvirt of uid ${USER}`);
    }
    expect(await qemus()).toHaveLength(2);
  });

  it('are restarted on a tap that was made again, with an empty console', async () => {
    const changed = await box.lab(
      lab({ vms: { ...lab().vms, web: { boot: 'probe', vcpus: 2, nics: [{ ...nic(50), queues: 2 }] } } }),
      'changed.json',
    );
    const answer = await box.vmnet('provision', '--restart', changed);
    expect([answer.json.error, paths(answer)]).toEqual([null, { web: 'direct', db: 'direct' }]);
    expect((await taps()).map(({ user }) => user)).toEqual([USER, USER]);
    const log = await box.run('cat', `/run/vmnet-state/users/${USER}/consoles/mine/web.log`);
    expect(log.match(/vmnet-probe: up/g)).toHaveLength(1);
  });

  it('are destroyed by name alone, and nothing is left', async () => {
    const answer = await box.vmnet('destroy', 'mine');
    expect([answer.code, answer.json.error]).toEqual([0, null]);
    expect(await qemus()).toEqual([]);
    expect(await box.run('virsh', '-q', '-c', URI, 'list', '--all', '--name')).toBe('');
    expect(await leftOver()).toEqual([]);
    expect((await box.attempt('host', 'ls', '/run/vmnet-state')).code).toBe(2);
  });
});

describe('a provision that is killed while guests of a user start', () => {
  it('is brought to a clean end: by recover, which finds that libvirt in the journal', async () => {
    const whenOneRuns =
      '"$@" & n=0; until pgrep -f "guest=[m]ine-" || [ $n -gt 600 ]; do n=$((n+1)); sleep 0.05; done; kill -9 $!';
    const words = ['--connect', 'qemu:///session', 'provision', file];
    await box.killedIn(['env', `SUDO_UID=${USER}`, 'sh', '-c', whenOneRuns, 'sh'], ...words);
    expect((await qemus()).length).toBeGreaterThan(0);
    const { json } = await box.vmnet('recover', 'mine');
    expect([json.error, json.recovered]).toEqual([null, { mine: 'undone' }]);
    expect(await qemus()).toEqual([]);
    expect(await leftOver()).toEqual([]);
    expect((await box.attempt('host', 'ls', '/run/vmnet-state')).code).toBe(2);
  });
});

describe('the network plane alone', () => {
  it('has taps of the user, made again for another, or for nobody', async () => {
    const plane = ['provision', '--network-only', file];
    const owners = async () => (await taps()).map(({ user }) => user ?? null);
    expect((await sudo(...plane)).json.error).toBeNull();
    expect(await owners()).toEqual([USER, USER]);
    expect((await box.vmnet(...plane)).json.changed).toBe(0);
    const host = await box.vmnet('--connect', 'qemu:///system', ...plane);
    expect(host.json.steps.map(({ title }: { title: string }) => title.replace(/tap \S+/, 'tap'))).toEqual([
      'make tap again for root alone',
      'make tap again for root alone',
    ]);
    expect(await owners()).toEqual([null, null]);
    expect((await box.vmnet('destroy', 'mine')).json.error).toBeNull();
    expect(await leftOver()).toEqual([]);
  });
});

describe('a host on which that user may not', () => {
  it('open /dev/net/tun or an image is told of beforehand, and by doctor', async () => {
    // In the throw-away host's own mounts: a node of the same device that only root may open.
    await box.run('mknod', '-m', '0600', '/run/tun', 'c', '10', '200');
    await box.run('mount', '--bind', '/run/tun', '/dev/net/tun');
    try {
      const answer = await sudo('provision', file);
      expect([answer.code, answer.json.error.code]).toEqual([1, 'permission']);
      expect(answer.json.error).toMatchObject({
        message: expect.stringContaining(
          'the user daemon, as whom the guests run, may not open /dev/net/tun',
        ),
        hint: expect.stringContaining('chmod 0666 /dev/net/tun'),
      });
      const doctor = await sudo('doctor', file);
      const found = doctor.json.checks.filter(({ id }: { id: string }) => id === 'libvirt-user');
      expect(found).toMatchObject([{ status: 'fault', found: 'daemon may not open /dev/net/tun' }]);
    } finally {
      await box.run('umount', '/dev/net/tun');
      await box.run('rm', '/run/tun');
    }
    await box.run('qemu-img', 'create', '-q', '-f', 'qcow2', '/run/secret.qcow2', '1M');
    await box.run('chmod', '0600', '/run/secret.qcow2');
    const secret = await box.lab(
      lab({ vms: { web: { boot: { image: '/run/secret.qcow2' }, nics: [nic(50)] } } }),
      'secret.json',
    );
    const answer = await sudo('provision', secret);
    expect(answer.json.error.message).toContain('may not open /run/secret.qcow2');
    await box.run('rm', '/run/secret.qcow2');
    expect(await leftOver()).toEqual([]);
  });

  it('is in order otherwise', async () => {
    const doctor = await sudo('doctor', file);
    const found = doctor.json.checks.filter(({ id }: { id: string }) => id.startsWith('libvirt'));
    expect(found).toMatchObject([
      { id: 'libvirt', status: 'ok', found: expect.stringContaining(SOCKET) },
      { id: 'libvirt-user', status: 'ok' },
    ]);
  });
});
