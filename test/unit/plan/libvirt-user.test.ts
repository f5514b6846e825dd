import { expect, test } from 'vitest';
import type { LibvirtUser } from '../../../src/host/model.js';
import type { Lab } from '../../../src/lab/model.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import { type Plan, stepCount } from '../../../src/plan/model.js';
import { type PlanOptions, planProvision } from '../../../src/plan/plan.js';
import { FakeHost } from '../../fakes/host.js';
import { carryOut, labFrom, renderContext } from '../../fakes/labs.js';

const ANN: LibvirtUser = {
  uri: 'qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock',
  uid: 1000,
  name: 'ann',
};
const BOB: LibvirtUser = { ...ANN, uid: 1001, name: 'bob' };

const file = (vms: object, bridges: object = { br0: {} }) => labFrom({ version: 1, name: 'l', bridges, vms });
const lab = file({ web: { boot: 'probe', disks: [{ size: '1MiB' }], nics: [{ bridge: 'br0' }] } });

const planFor = (host: FakeHost, wanted: Lab = lab, options: PlanOptions = {}) => {
  const seen = host.observe();
  const user = host.libvirtUser === null ? {} : { user: host.libvirtUser.uid };
  const context = renderContext(wanted, seen, { ...user, stateDir: host.guestDir });
  return planProvision(wanted, seen, context, options);
};

const titles = ({ phases }: Plan) => phases.flatMap(({ steps }) => steps.map(({ title }) => title));

async function provisioned(user: LibvirtUser | null): Promise<FakeHost> {
  const host = new FakeHost();
  host.libvirtUser = user;
  await carryOut(planFor(host), host);
  return host;
}

const taps = (host: FakeHost) => host.kernel.links.flatMap(({ tap }) => tap ?? []);

test('taps are made for the user, files given to the user, and the record tells whose libvirt it is', async () => {
  const host = await provisioned(ANN);
  expect(taps(host)).toMatchObject([{ owner: '1000' }]);
  const folder = '/var/lib/vmnet/users/1000';
  expect([...host.fileOwners]).toEqual([
    [`${folder}/disks/l/web/disk1.qcow2`, 1000],
    [`${folder}/consoles/l/web.log`, 1000],
  ]);
  expect(host.records.get('l')?.libvirtUser).toEqual({ uri: ANN.uri, uid: 1000 });
  expect(stepCount(planFor(host))).toBe(0);
});

test('a guest that an undo starts again has a console that is the user’s, where it was removed as where it was dropped', async () => {
  const host = await provisioned(ANN);
  const without = planFor(host, file({}));
  for (const plan of [planDestroy('l', host.observe(), host.guestDir), without]) {
    const undo = plan.phases.flatMap(({ steps }) => steps).flatMap(step => step.undo);
    expect(undo.filter(({ kind }) => kind === 'start')).toMatchObject([{ owner: 1000 }]);
  }
});

test('a lab in the libvirt of the host has nothing of the kind', async () => {
  const host = await provisioned(null);
  expect(taps(host)[0]).not.toHaveProperty('owner');
  expect(host.fileOwners.size).toBe(0);
  expect(host.records.get('l')).not.toHaveProperty('libvirtUser');
});

test('ip tells an owner by name or by number', async () => {
  const host = await provisioned(ANN);
  for (const owner of ['ann', '1000']) {
    host.kernel.links.forEach(link => {
      if (link.tap) Object.assign(link.tap, { owner });
    });
    expect(stepCount(planFor(host)), owner).toBe(0);
  }
});

test('a tap of another owner is made again, and an undo gives it back; not while its guest runs', async () => {
  const host = await provisioned(ANN);
  for (const link of host.kernel.links) if (link.tap) Object.assign(link.tap, { owner: 'eve' });
  expect(titles(planFor(host))).toEqual([]);
  for (const domain of host.domains.values()) Object.assign(domain, { state: 'shutoff', liveMark: null });
  const plan = planFor(host);
  const step = plan.phases.flatMap(({ steps }) => steps).find(({ title }) => title.startsWith('make tap'));
  expect(step?.title).toMatch(/^make tap web-\w+ again for the user ann$/);
  expect(step?.why).toBe('its owner is eve, and that is given when it is made');
  const lines = (actions: readonly object[] = []) => JSON.stringify(actions);
  expect(lines(step?.do)).toContain('mode tap vnet_hdr user 1000"');
  expect(lines(step?.undo)).toContain('mode tap vnet_hdr user eve"');
});

test('guests are neither left behind nor defined twice where another libvirt is named', async () => {
  for (const [was, is, words] of [
    [ANN, null, /are in the libvirt of uid 1000 .*, and that of the host was named/],
    [ANN, BOB, /are in the libvirt of uid 1000 .*, and that of the user bob was named/],
    [null, ANN, /are in the libvirt of the host, and that of the user ann was named/],
  ] as const) {
    const host = await provisioned(was);
    host.libvirtUser = is;
    host.domains.clear();
    const error = expect.objectContaining({ code: 'conflict', message: expect.stringMatching(words) });
    expect(() => planFor(host)).toThrowError(error);
    expect(() => planDestroy('l', host.observe(), host.guestDir)).toThrowError(error);
  }
});

test('of a network plane, the taps are made again instead', async () => {
  const host = new FakeHost();
  host.libvirtUser = ANN;
  await carryOut(planProvision(lab, host.observe(), null), host);
  host.libvirtUser = null;
  const plan = planProvision(lab, host.observe(), null);
  expect(titles(plan)).toEqual([expect.stringMatching(/^make tap \S+ again for root alone$/)]);
  await carryOut(plan, host);
  expect(host.records.get('l')).not.toHaveProperty('libvirtUser');
});

test('NICs that libvirt makes itself are refused: a user’s has no right to', () => {
  const host = new FakeHost();
  host.libvirtUser = ANN;
  host.kernel.add({ name: 'eth0', kind: null, mac: '52:54:00:00:00:09', up: true });
  const macvtap = file({
    web: { boot: 'probe', nics: [{ type: 'macvtap', uplink: 'eth0', mode: 'bridge' }] },
  });
  expect(() => planFor(host, macvtap)).toThrowError(
    expect.objectContaining({
      code: 'bad-lab',
      message:
        'NIC 0 of web is a macvtap, which libvirt makes itself, and that of the user ann has no right to',
    }),
  );
});
