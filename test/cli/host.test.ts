import { readdirSync, rmSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeRoot, Folder, Namespace, plainLab, vmnet } from './vmnet.js';

// provision on the real kernel, in an empty network of each test's own.

let folder: Folder;
let net: Namespace;

const lab = (bridge: object = {}, more: object = {}) =>
  folder.file('lab.json', plainLab({ uplink: 'up0', ...bridge }, more));
const tapped = (tap: string) => ({ vms: { a: { boot: 'probe', nics: [{ bridge: 'brt0', tap }] } } });

/** Provision must refuse, in text and as JSON, and leave everything as it was. */
async function refused(exit: number, file: string, ...flags: string[]): Promise<string> {
  const before = await net.snapshot();
  const words = ['provision', ...(flags.length > 0 ? flags : ['--network-only']), file];
  const text = await net.vmnet(...words);
  const program = await net.vmnet('--json', ...words);
  expect(await net.snapshot()).toEqual(before);
  expect(text.code).toBe(exit);
  expect(program).toMatchObject({ code: exit, stderr: '' });
  expect(program.json).toMatchObject({ ok: false, command: 'provision', changed: 0, steps: [], checks: [] });
  const { error } = program.json;
  expect(error.hint).toMatch(/\S/);
  // A lease runs on from one run to the next.
  const still = (words: string) => words.replace(/\d+ s left/, 'some seconds left');
  expect(still(text.stderr)).toContain(still(`vmnet: ${error.message}\n`));
  return `${error.code}: ${error.message}\n${error.hint}`;
}

describeRoot('in a network of its own', () => {
  beforeEach(async () => {
    folder = new Folder();
    net = await Namespace.up(folder.file('state'));
  });
  afterEach(async () => {
    await net?.down();
    folder?.remove();
  });

  const cable = () =>
    net.ip(
      'link add up0 type veth peer name far0',
      'link set far0 up',
      'link set up0 up',
      'address add 192.0.2.2/24 dev up0',
      'route add default via 192.0.2.1',
    );

  describe('an uplink that cannot be one is refused with exit 2', () => {
    it('missing: suggests those that exist', async () => {
      await net.ip('link add enp3s0 type veth peer name enp4s0');
      const said = await refused(2, lab());
      expect(said).toContain('bad-lab: bridges.brt0.uplink: this host has no interface up0');
      expect(said).toContain('enp3s0');
      expect(said).toContain('enp4s0');
      expect(said).not.toMatch(/\blo\b/);
    });

    it('missing, where there is none at all', async () => {
      expect(await refused(2, lab())).toContain('leave "uplink" out');
    });

    it('the loopback interface', async () => {
      expect(await refused(2, lab({ uplink: 'lo' }))).toContain('loopback');
      await net.ip('link set lo name looped');
      expect(await refused(2, lab({ uplink: 'looped' }))).toContain('looped is the loopback interface');
    });

    it('a bridge', async () => {
      await net.ip('link add up0 type bridge');
      expect(await refused(2, lab())).toContain('up0 is a bridge itself');
    });

    it('enslaved elsewhere: names the master', async () => {
      await cable();
      await net.ip('link add other type bridge', 'link set up0 master other');
      expect(await refused(2, lab())).toMatch(/up0 is enslaved already, to other[\s\S]*nomaster/);
    });
  });

  describe('what is in the way and not ours stays, exit 1', () => {
    it('a bridge of that name', async () => {
      await cable();
      await net.ip('link add brt0 type bridge', 'address add 10.0.0.1/24 dev brt0');
      expect(await refused(1, lab())).toMatch(/conflict: .*brt0.*not made by vmnet/);
    });

    it('a tap of that name', async () => {
      await cable();
      await net.ip('tuntap add dev mine mode tap');
      expect(await refused(1, lab({}, tapped('mine')))).toMatch(/conflict: .*mine.*not made by vmnet/);
    });

    it('both at once', async () => {
      await cable();
      await net.ip('tuntap add dev mine mode tap', 'link add brt0 type bridge');
      const said = await refused(1, lab({}, tapped('mine')));
      expect(said).toContain('brt0');
      expect(said).toContain('mine');
    });

    it('a bridge of another lab: names the lab, and never tells to delete it', async () => {
      await cable();
      expect((await net.vmnet('provision', '--yes', '--network-only', lab())).code).toBe(0);
      const other = plainLab({ stp: true }, { name: 'second' });
      const said = await refused(1, folder.file('second.json', other));
      expect(said).toContain('shared with the lab plain');
      expect(said).not.toContain('ip link del');
    });

    it('addresses that nobody would answer at any more', async () => {
      await cable();
      expect(await refused(1, lab({ address: 'none' }))).toMatch(
        /192\.0\.2\.2\/24[\s\S]*inherit[\s\S]*--yes/,
      );
    });

    it('without a terminal, the NIC of the default route: says what would happen', async () => {
      await cable();
      const said = await refused(1, lab());
      expect(said).toMatch(/conflict: up0 carries the default route, and there is no terminal/);
      expect(said).toMatch(/move to brt0[\s\S]*guard[\s\S]*--yes/);
    });

    it('without a terminal, the NIC that the user came in by', async () => {
      await net.ip('link add up0 type veth peer name far0', 'address add 192.0.2.2/24 dev up0');
      const ssh = {
        ...net.place,
        env: { ...net.place.env, SSH_CONNECTION: '192.0.2.77 50022 192.0.2.2 22' },
      };
      const { code, json } = await vmnet(['--json', 'provision', '--network-only', lab()], ssh);
      expect([code, json.error.code, json.changed]).toEqual([1, 'conflict', 0]);
      expect(json.error.message).toContain('the session that you are logged in by (192.0.2.2)');
      const planned = await vmnet(['plan', '--network-only', lab()], ssh);
      expect(planned.stdout).toContain('Your session runs over up0 (192.0.2.2)');
      expect((await net.vmnet('provision', '--network-only', lab())).code).toBe(0);
      expect((await net.vmnet('destroy', '--network-only', 'plain')).code).toBe(0);
    });

    it('a leased address', async () => {
      await cable();
      await net.ip('address add 192.0.2.9/24 dev up0 valid_lft 300 preferred_lft 300');
      expect(await refused(1, lab())).toMatch(/leased[\s\S]*192\.0\.2\.9\/24[\s\S]*--yes/);
    });
  });

  describe('libvirt that does not answer', () => {
    it('is told before anything is changed, with what to start', async () => {
      await cable();
      const said = await refused(1, lab({}, tapped('lonely0')), '--no-verify');
      expect(said).toMatch(/^libvirt: cannot connect to libvirt at qemu:\/\/\/system/);
      expect(said).toContain('systemctl start libvirtd');
    });

    it('is not asked with --network-only, also for a lab that is gone already', async () => {
      await cable();
      const file = lab();
      expect((await net.vmnet('provision', '--yes', '--network-only', file)).code).toBe(0);
      for (let i = 0; i < 2; i++)
        expect(await net.vmnet('destroy', '--network-only', 'plain')).toMatchObject({ code: 0, stderr: '' });
    });
  });

  describe('a network', () => {
    it('is planned, made, left alone, listed, shown and unmade', async () => {
      await cable();
      const file = lab({ address: 'inherit' }, tapped('tapa'));
      const before = await net.snapshot();
      const plan = await net.vmnet('plan', '--network-only', file);
      expect(plan).toMatchObject({ code: 0, stderr: '' });
      const dry = await net.vmnet('provision', '--dry-run', '--network-only', file);
      expect(dry.stdout).toBe(plan.stdout);
      for (const words of ['create bridge brt0', 'enslave up0', 'create tap tapa', 'because '])
        expect(plan.stdout).toContain(words);
      const planned = (await net.vmnet('--json', 'plan', '--network-only', file)).json;
      expect(planned).toMatchObject({
        ok: true,
        command: 'plan',
        lab: 'plain',
        changed: 0,
        steps: [],
        error: null,
      });
      expect(await net.snapshot()).toEqual(before);

      const { code, json, stderr } = await net.vmnet('--json', 'provision', '--yes', '--network-only', file);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(json).toMatchObject({
        ok: true,
        command: 'provision',
        lab: 'plain',
        changed: 3,
        checks: [],
        error: null,
      });
      expect(json.steps.map((step: { phase: string }) => step.phase)).toEqual(['bridge', 'uplink', 'taps']);
      for (const step of json.steps)
        expect(step).toEqual({
          phase: expect.any(String),
          title: expect.any(String),
          ms: expect.any(Number),
        });
      const titles = planned.plan.phases.flatMap((phase: { steps: { title: string }[] }) =>
        phase.steps.map(step => step.title),
      );
      expect(json.steps.map((step: { title: string }) => step.title)).toEqual(titles);

      const up = await net.snapshot();
      const again = await net.vmnet('provision', '--network-only', file);
      expect(again.stdout).toContain('plain: nothing to change');
      expect(await net.snapshot()).toEqual(up);

      expect((await net.vmnet('list')).stdout).toMatch(/^plain +brt0 +1 /m);
      const { vms } = (await net.vmnet('status', '--json', 'plain')).json;
      expect(vms).toMatchObject([{ name: 'a', nics: [{ tap: 'tapa', bridge: 'brt0', address: null }] }]);
      expect(vms[0].nics[0].mac).toMatch(/^52:54:00:/);

      const down = await net.vmnet('--json', 'destroy', 'plain');
      expect(down).toMatchObject({ code: 0, stderr: '' });
      expect(down.json).toMatchObject({
        ok: true,
        command: 'destroy',
        lab: 'plain',
        changed: 3,
        error: null,
      });
      expect(await net.snapshot()).toEqual(before);
    });

    it('is unmade by its name alone, without the file, and twice is no error', async () => {
      await cable();
      const before = await net.snapshot();
      expect((await net.vmnet('provision', '--yes', '--network-only', lab())).code).toBe(0);
      folder.file('lab.json', 'gone');
      expect((await net.vmnet('destroy', 'plain')).code).toBe(0);
      expect(await net.snapshot()).toEqual(before);
      const again = await net.vmnet('destroy', 'plain');
      expect([again.code, again.stdout]).toEqual([0, 'plain: there is nothing to destroy\n']);
    });

    it('is recorded in VMNET_STATE_DIR, for root only, and nothing stays there', async () => {
      await cable();
      expect((await net.vmnet('provision', '--yes', '--network-only', lab())).code).toBe(0);
      expect(readdirSync(folder.file('state/labs'))).toEqual(['plain']);
      // QEMU must be able to pass through the folder itself.
      expect(statSync(folder.file('state')).mode & 0o066).toBe(0);
      expect(statSync(folder.file('state/labs')).mode & 0o077).toBe(0);
      expect(statSync(folder.file('state/labs/plain/record.json')).mode & 0o077).toBe(0);
      expect((await net.vmnet('destroy', 'plain')).code).toBe(0);
      expect(readdirSync(folder.path)).toEqual(['lab.json']);
    });

    it('keeps the addresses of its uplink where the record is lost between two runs', async () => {
      await cable();
      const before = await net.snapshot();
      expect((await net.vmnet('provision', '--yes', '--network-only', lab())).code).toBe(0);
      rmSync(folder.file('state'), { recursive: true });
      expect((await net.vmnet('provision', '--yes', '--network-only', lab({}, tapped('tapa')))).code).toBe(0);
      expect((await net.vmnet('destroy', '--network-only', 'plain')).code).toBe(0);
      expect(await net.snapshot()).toEqual(before);
    });

    it('takes one run at a time: the others wait or are told, and the host comes back', async () => {
      await cable();
      const before = await net.snapshot();
      const words = ['--json', 'provision', '--yes', '--network-only', lab({}, tapped('tapa'))];
      const ends = await Promise.all(Array.from({ length: 4 }, () => net.vmnet(...words)));
      expect(ends.some(end => end.code === 0)).toBe(true);
      for (const { code, json } of ends) if (code !== 0) expect(json.error).toMatchObject({ code: 'busy' });
      expect((await net.vmnet('destroy', '--network-only', 'plain')).code).toBe(0);
      expect(await net.snapshot()).toEqual(before);
    });

    it('fails its checks with exit 3 where it is not there', async () => {
      const file = lab({}, tapped('tapa'));
      const { code, json } = await net.vmnet(
        '--json',
        '--connect',
        'test:///default',
        'verify',
        '--timeout',
        '1',
        file,
      );
      expect(code).toBe(3);
      expect(json).toMatchObject({ ok: false, command: 'verify', lab: 'plain', changed: 0, error: null });
      expect(json.checks).toContainEqual(expect.objectContaining({ name: 'path', vm: 'a', nic: 0 }));
      expect(json.checks).toContainEqual(
        expect.objectContaining({ name: 'domain', vm: 'a', verdict: 'failed' }),
      );
    });

    it('is finished or undone when its reader goes away in the middle', async () => {
      await cable();
      const before = await net.snapshot();
      const { code, stderr } = await net.vmnetUnread(
        'provision',
        '--yes',
        '--network-only',
        lab({}, tapped('tapa')),
      );
      expect(stderr).not.toMatch(/^ +at /m);
      if (code === 0) expect((await net.vmnet('destroy', '--network-only', 'plain')).code).toBe(0);
      expect(await net.snapshot()).toEqual(before);
    });
  });
});
