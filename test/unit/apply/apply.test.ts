import { describe, expect, test } from 'vitest';
import { type ApplyContext, applyDestroy, applyProvision } from '../../../src/apply/apply.js';
import { forget } from '../../../src/apply/forget.js';
import { VmnetError } from '../../../src/errors.js';
import { difference } from '../../../src/host/normalise.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import { planProvision } from '../../../src/plan/plan.js';
import { jsonReporter } from '../../../src/report/json.js';
import type { Stage } from '../../../src/report/reporter.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';

const FILE = {
  version: 1,
  name: 'l',
  bridges: { br0: { uplink: 'eth0' } },
  vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
};
const LAB = labFrom(FILE);
const HOST = {
  links: { eth0: { addresses: ['192.0.2.10/24'] } },
  routes: ['default via 192.0.2.1 dev eth0'],
};

const contextOf = (host: FakeHost): ApplyContext => ({
  drivers: host.drivers,
  reporter: jsonReporter(),
  signal: new AbortController().signal,
  observe: async () => host.observe(),
  startGuard: null,
});

function provision(host: FakeHost, lab = LAB, after: Stage[] = []) {
  const before = host.observe();
  return applyProvision(
    planProvision(lab, before, renderContext(lab, before)),
    before,
    contextOf(host),
    after,
  );
}

/** As the verb does: what is kept of a lab goes when nothing of it is left on the host. */
async function destroy(host: FakeHost) {
  const replan = async () => planDestroy('l', host.observe(), STATE_DIR);
  const before = host.observe();
  const steps = await applyDestroy(await replan(), before, contextOf(host), replan);
  await forget('l', host.drivers);
  return steps;
}

async function failure(act: Promise<unknown>): Promise<VmnetError> {
  const error = await act.catch((reason: unknown) => reason);
  if (!(error instanceof VmnetError)) throw new Error(`expected a VmnetError, got ${String(error)}`);
  return error;
}

const refuse = (pattern: RegExp) => (call: string) =>
  pattern.test(call) ? new VmnetError('libvirt', 'no', 'try again') : null;

describe('provision', () => {
  test('leaves a record, and done again leaves everything as it is', async () => {
    const host = await hostFrom(HOST);
    expect(await provision(host)).toHaveLength(5);
    expect(host.records.get('l')).toMatchObject({ version: 1, lab: LAB, uplinks: { eth0: { moved: true } } });
    const calls = host.calls.length;
    expect(await provision(host)).toEqual([]);
    expect(host.calls).toHaveLength(calls);
  });

  test('that fails goes back, forgets the lab, and says so under the same code', async () => {
    const host = await hostFrom(HOST);
    const before = host.observe();
    host.fault = refuse(/^create/);
    const error = await failure(provision(host));
    expect(error).toMatchObject({ code: 'libvirt', message: 'no' });
    expect(error.hint).toBe(
      'try again\nEverything was undone; the host was looked at again and is as it was.',
    );
    expect(difference(before, host.observe())).toEqual([]);
    expect(host.records.size).toBe(0);
  });

  test('that fails before anything was changed says that', async () => {
    const host = await hostFrom({ ...HOST, applied: [FILE], states: { 'l-web': 'shutoff' } });
    const context = { ...contextOf(host), signal: AbortSignal.abort() };
    const before = host.observe();
    const plan = planProvision(LAB, before, renderContext(LAB, before));
    expect((await failure(applyProvision(plan, before, context, []))).hint).toBe('Nothing was changed.');
    expect(host.records.has('l')).toBe(true);
  });

  test('that fails on a lab that was there keeps its former record', async () => {
    const host = await hostFrom({ ...HOST, applied: [FILE] });
    const former = host.records.get('l');
    host.fault = refuse(/^define l-db/);
    await failure(provision(host, labFrom({ ...FILE, vms: { ...FILE.vms, db: FILE.vms.web } })));
    expect(host.records.get('l')).toEqual(former);
  });

  test('is undone too if a stage after it throws', async () => {
    const host = await hostFrom(HOST);
    const before = host.observe();
    const proof = { title: 'proof', run: () => Promise.reject(new VmnetError('guest-died', 'dead')) };
    expect(await failure(provision(host, LAB, [proof]))).toMatchObject({ code: 'guest-died' });
    expect(difference(before, host.observe())).toEqual([]);
  });

  const TWO = { ...FILE, vms: { ...FILE.vms, db: { ...FILE.vms.web, boot: { image: 'disk.qcow2' } } } };
  const filesOf = (host: FakeHost, vm: string) => [...host.files].filter(file => file.includes(`/${vm}`));

  test('removes the files of a guest that is gone, but only when all went well', async () => {
    const host = await hostFrom({ ...HOST, applied: [TWO] });
    const files = filesOf(host, 'db');
    expect(files).toHaveLength(2);
    const next = labFrom({ ...FILE, vms: { web: { ...FILE.vms.web, vcpus: 2 } } });
    host.fault = refuse(/^define l-web/);
    await failure(provision(host, next));
    expect(filesOf(host, 'db')).toEqual(files);
    expect([...host.domains.values()].map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'l-db running',
      'l-web running',
    ]);
    host.fault = () => null;
    await provision(host, next);
    expect(filesOf(host, 'db')).toEqual([]);
    expect(filesOf(host, 'web')).toHaveLength(1);
  });

  test('that was to restart a guest starts the former one, after its taps are there again', async () => {
    const nics = [{ bridge: 'br0' }, { bridge: 'br0' }];
    const host = await hostFrom({ ...HOST, applied: [{ ...FILE, vms: { web: { boot: 'probe', nics } } }] });
    const before = host.observe();
    const lab = labFrom({ ...FILE, vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', queues: 2 }] } } });
    const plan = planProvision(lab, before, renderContext(lab, before), { restart: true });
    host.fault = call =>
      /^create/.test(call) && host.calls.filter(it => it === call).length === 2
        ? new VmnetError('libvirt', 'no')
        : null;
    const error = await failure(applyProvision(plan, before, contextOf(host), []));
    expect(error.hint).toContain('the host was looked at again and is as it was');
    expect(host.observe().libvirt).toEqual(before.libvirt);
    expect(host.calls.at(-1)).toMatch(/^create/);
  });

  test('whose undo fails says what is left, and how to go on', async () => {
    const host = await hostFrom(HOST);
    host.fault = refuse(/^create|^link del dev vmnet\.l\.br0/);
    const error = await failure(provision(host));
    expect(error.code).toBe('not-restored');
    expect(error.hint).toContain('left over: link br0');
    expect(error.hint).toContain('To finish: vmnet destroy l');
  });

  test('does not hide a bug behind a hint', async () => {
    const host = await hostFrom(HOST);
    const bug = new TypeError('x is not a function');
    host.fault = call => (call.startsWith('define') ? bug : null);
    await expect(provision(host)).rejects.toBe(bug);
  });
});

describe('destroy', () => {
  test('leaves the host as it was, and nothing of ours', async () => {
    const host = await hostFrom(HOST);
    const before = host.observe();
    await provision(host);
    await destroy(host);
    expect(difference(before, host.observe())).toEqual([]);
    expect([host.records.size, host.files.size, host.domains.size]).toEqual([0, 0, 0]);
    expect(await destroy(host)).toEqual([]);
  });

  test('that fails names what is still to do, and done again goes on', async () => {
    const host = await hostFrom({ ...HOST, applied: [FILE] });
    host.fault = refuse(/^ip link set dev eth0 nomaster/);
    const error = await failure(destroy(host));
    expect(error).toMatchObject({
      code: 'not-restored',
      message: 'the lab l is not wholly destroyed: `ip link set dev eth0 nomaster`: no',
    });
    expect(error.hint?.split('\n')).toEqual([
      'Still to do:',
      '  release eth0 from br0',
      '  delete tap web-frmhb3',
      '  delete bridge br0',
      'To finish: vmnet destroy l',
    ]);
    expect(host.records.has('l')).toBe(true);
    host.fault = () => null;
    await destroy(host);
    expect(host.observe().links.map(({ name }) => name)).toEqual(['lo', 'eth0']);
  });
});
