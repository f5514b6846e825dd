import { expect, test } from 'vitest';
import type { HostState } from '../../../src/host/model.js';
import { type DestroyOptions, planDestroy } from '../../../src/plan/destroy.js';
import { planProvision } from '../../../src/plan/plan.js';
import { FakeHost, STATE_DIR } from '../../fakes/host.js';
import { carryOut, labFrom } from '../../fakes/labs.js';

const file = (vms: object) => labFrom({ version: 1, name: 'plane', bridges: { br0: {} }, vms });
const web = { boot: 'probe', nics: [{ bridge: 'br0', tap: 'web0' }] };

/** A network plane, and a domain on its tap that was not made for it. */
async function lentTap(state: string, mark: { lab: string } | null = null): Promise<FakeHost> {
  const host = new FakeHost();
  await carryOut(planProvision(file({ web }), host.observe(), null), host);
  const nics = [{ mac: '52:54:00:00:00:01', target: 'web0' }];
  const marks = { mark: mark && { ...mark, vm: 'web', digest: 'd' }, liveMark: null };
  host.domains.set('u-1', { name: 'stranger', uuid: 'u-1', state, xml: null, nics, ...marks });
  return host;
}

const destroyed = (host: HostState, options: DestroyOptions = {}) =>
  planDestroy('plane', host, STATE_DIR, options)
    .phases.flatMap(({ steps }) => steps)
    .map(({ title, why }) => `${title}: ${why}`);

const REFUSAL = {
  code: 'conflict',
  message:
    "the tap web0 is in use by the domain stranger, which is none of the lab's, and would lose its network",
  hint: 'Shut that guest down first (virsh shutdown stranger), or repeat the command with --force, which cuts it off.',
};

test('a tap that a domain of somebody else has open is not deleted, but with --force', async () => {
  const host = (await lentTap('running')).observe();
  expect(() => destroyed(host)).toThrowError(expect.objectContaining(REFUSAL));
  expect(destroyed(host, { force: true })).toContain(
    'delete tap web0: the lab is destroyed; --force cuts off stranger',
  );
});

test('one of another lab is somebody else’s as well', async () => {
  const host = (await lentTap('paused', { lab: 'other' })).observe();
  expect(() => destroyed(host)).toThrowError(expect.objectContaining(REFUSAL));
});

test('where libvirt was left out, those count that were looked at for it', async () => {
  const { libvirt, ...host } = (await lentTap('running')).observe();
  const seen = { ...host, libvirt: null, tapDomains: libvirt?.domains ?? [] };
  expect(() => destroyed(seen)).toThrowError(expect.objectContaining(REFUSAL));
  expect(destroyed({ ...host, libvirt: null })).toContain('delete tap web0: the lab is destroyed');
});

test('one that does not run has nothing open, and the lab’s own go with it, or were left alone on purpose', async () => {
  const gone = 'delete tap web0: the lab is destroyed';
  expect(destroyed((await lentTap('shutoff')).observe())).toContain(gone);
  const own = (await lentTap('running', { lab: 'plane' })).observe();
  expect(destroyed(own)).toContain(gone);
  expect(destroyed({ ...own, libvirt: null, tapDomains: own.libvirt?.domains ?? [] })).toContain(gone);
});

test('a domain that the lab gave NICs to is not somebody else', async () => {
  const host = await lentTap('running');
  const record = host.records.get('plane');
  if (record) host.records.set('plane', { ...record, existing: { 'u-1': BEFORE } });
  expect(destroyed(host.observe())).toContain('delete tap web0: the lab is destroyed');
});

const BEFORE = { name: 'stranger', vms: ['web'], first: null, last: null };

test('nor does a lab that has lost the VM take its tap away meanwhile', async () => {
  const host = (await lentTap('running')).observe();
  expect(() => planProvision(file({}), host, null)).toThrowError(
    expect.objectContaining({ hint: 'Shut that guest down first (virsh shutdown stranger).' }),
  );
});
