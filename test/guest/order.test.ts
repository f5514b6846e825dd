import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';

// Who starts after whom, on real guests: each test a chapter, the later ones build on the earlier.

const nic = (host: number) => [{ bridge: 'br0', address: `192.0.2.${host}/24` }];
const DB = { ready: 'tcp:7', autostart: true, nics: nic(50) };
const WEB = { dependsOn: ['db'], ready: 'address', nics: nic(51) };
const lab = (vms: object) => ({
  name: 'order',
  bridges: { br0: { address: '192.0.2.1/24' } },
  defaults: { vm: { boot: 'probe' } },
  vms,
});

let box: Box;
let file: string;
let before: Snapshot;

beforeAll(async () => {
  box = await Box.up([]);
  before = await box.snapshot();
  file = await box.lab(lab({ web: WEB, db: DB }));
});

afterAll(() => box?.down());

/** Names of the domains that run, in the order in which they were started. */
const running = async () =>
  (await box.run('virsh', '-q', 'list')).split('\n').flatMap(line => line.trim().split(/\s+/)[1] ?? []);

/** Those that libvirt starts with the host. */
const autostarted = async () =>
  (await box.run('virsh', '-q', 'list', '--all', '--autostart', '--name')).trim();

/** A host that tells of next to no memory left. */
const SHORT_OF_MEMORY = `
  sed 's/^MemAvailable:.*/MemAvailable: 1024 kB/; s/^SwapFree:.*/SwapFree: 0 kB/' /proc/meminfo > /run/meminfo
  mount --bind /run/meminfo /proc/meminfo`;

it('a guest starts when the one that it depends on answers at its port', async () => {
  const { code, stdout, stderr } = await box.vmnetText('provision', '--no-verify', file);
  expect(code).toBe(0);
  expect(stderr).toContain('at boot the taps of db are not there before "vmnet enable"');
  const told = stdout.split('\n').map(line => line.replace(/ after [\d.]+ s/, ''));
  const at = (text: string) => told.findIndex(line => line.includes(text));
  expect(at('web waits for db (tcp:7)')).toBeGreaterThan(-1);
  expect(at('order-db is ready (tcp:7)')).toBeGreaterThan(at('web waits for db (tcp:7)'));
  expect(at('order-web is started')).toBeGreaterThan(at('order-db is ready (tcp:7)'));
  expect(at('order-web is ready (address)')).toBeGreaterThan(at('order-web is started'));
  expect(await running()).toEqual(['order-db', 'order-web']);
  expect(await autostarted()).toBe('order-db');
  expect((await box.vmnet('plan', file)).json.plan.phases).toEqual([]);
});

it('one that is not ready in time is told with what was seen of it, and everything is undone', async () => {
  const late = { ready: 'tcp:9', readyTimeout: 8, nics: nic(52) };
  const grown = await box.lab(
    lab({ web: WEB, db: DB, late, last: { dependsOn: ['late'], nics: nic(53) } }),
    'late.json',
  );
  const { code, json } = await box.vmnet('provision', grown);
  expect([code, json.error.code]).toEqual([1, 'timeout']);
  expect(json.error.message).toMatch(
    /^the guest order-late was not ready \(tcp:9\) after 8 seconds: .*port 9 of 192\.0\.2\.52: (connection refused|no answer)$/,
  );
  expect(json.error.hint).toContain('Everything was undone');
  expect(await running()).toEqual(['order-db', 'order-web']);
});

it('an interruption ends the wait at once', async () => {
  const never = await box.lab(
    lab({ web: WEB, db: DB, late: { ready: 'tcp:9', nics: nic(52) } }),
    'never.json',
  );
  const script = `"$@" & pid=$!; for i in $(seq 600); do sleep 0.1; virsh -q list 2>/dev/null | grep -q order-late && break; done; sleep 0.5; kill -INT $pid; wait $pid`;
  const { code, json } = await box.vmnetIn(['sh', '-c', script, 'sh'], 'provision', never);
  expect([code, json.error.code]).toEqual([130, 'interrupted']);
  expect(json.error.message).toContain('order-late was not ready yet');
  expect(await running()).toEqual(['order-db', 'order-web']);
});

it('guests are stopped, those that depend on others first, and started again in order', async () => {
  const stopped = await box.vmnet('stop', 'order');
  expect([stopped.code, stopped.json.vms]).toEqual([
    0,
    [
      { vm: 'web', how: 'shut down' },
      { vm: 'db', how: 'shut down' },
    ],
  ]);
  const shown = (await box.vmnet('status', 'order')).json.vms.map((vm: { state: string }) => vm.state);
  expect(shown).toEqual(['shutoff', 'shutoff']);
  const again = await box.vmnet('stop', 'order', 'web');
  expect([again.code, again.json.vms]).toEqual([0, [{ vm: 'web', how: 'stopped already' }]]);
  await box.run('sh', '-c', SHORT_OF_MEMORY);
  const refused = await box.vmnet('start', file, 'web');
  expect([refused.code, refused.json.error]).toMatchObject([
    1,
    {
      code: 'conflict',
      message: expect.stringMatching(/^the 2 guests of order .*; this host has 1 MiB left$/),
      hint: expect.stringContaining('--yes'),
    },
  ]);
  const started = await box.vmnet('start', '--yes', file, 'web');
  await box.run('sh', '-c', 'umount /proc/meminfo; rm /run/meminfo');
  expect([started.code, started.json.vms]).toEqual([
    0,
    [
      { vm: 'db', how: 'started' },
      { vm: 'web', how: 'started' },
    ],
  ]);
  expect((await box.vmnet('start', 'order')).json.vms).toEqual([
    { vm: 'web', how: 'running already' },
    { vm: 'db', how: 'running already' },
  ]);
});

it('a guest that does not hear is unplugged when its time is over', async () => {
  await box.run('virsh', '-q', 'suspend', 'order-web');
  const { code, json } = await box.vmnet('restart', '--timeout', '1', 'order', 'web');
  expect([code, json.vms]).toEqual([
    0,
    [
      { vm: 'web', how: 'plug pulled' },
      { vm: 'web', how: 'started' },
    ],
  ]);
  expect((await box.vmnet('stop', '--force', 'order')).json.vms).toEqual([
    { vm: 'web', how: 'plug pulled' },
    { vm: 'db', how: 'plug pulled' },
  ]);
});

it('what cannot be stopped or started is told', async () => {
  const nobody = await box.vmnet('stop', 'order', 'wep');
  expect([nobody.code, nobody.json.error.hint]).toEqual([2, 'did you mean "web"?']);
  expect((await box.vmnet('start', 'elsewhere')).json.error.message).toContain('has not been provisioned');
  const [{ nics }] = (await box.vmnet('status', 'order')).json.vms;
  await box.run('ip', 'link', 'del', 'dev', nics[0].tap);
  const bare = await box.vmnet('start', 'order', 'web');
  expect([bare.code, bare.json.error.message]).toEqual([
    1,
    `web cannot be started: its tap ${nics[0].tap} is not there`,
  ]);
  const unplugged = await box.vmnet('destroy', 'order');
  expect([unplugged.code, unplugged.json.error]).toEqual([0, null]);
  expect(await box.differenceFrom(before)).toEqual([]);
});
