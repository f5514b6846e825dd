import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { planStages, type Run } from '../../../src/apply/pipeline.js';
import { rollBack } from '../../../src/apply/rollback.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import type { Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { labFrom, renderContext } from '../../fakes/labs.js';

const vms = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`vm${i}`, { boot: 'probe', nics: [{ bridge: 'br0' }] }]),
  );

const labOf = (count: number) =>
  labFrom({ version: 1, name: 'l', bridges: { br0: { uplink: 'eth0' } }, vms: vms(count) });

const HOST = {
  links: { eth0: { addresses: ['192.0.2.10/24'] } },
  routes: ['default via 192.0.2.1 dev eth0'],
};

async function scene(count: number): Promise<{ host: FakeHost; plan: Plan; run: Run }> {
  const [host, lab] = [await hostFrom(HOST), labOf(count)];
  const seen = host.observe();
  return { host, plan: planProvision(lab, seen, renderContext(lab, seen)), run: { done: [], undo: [] } };
}

interface Hands {
  readonly signal?: AbortSignal;
  readonly drivers?: Drivers;
}

async function carryOut({ host, plan, run }: Awaited<ReturnType<typeof scene>>, hands: Hands = {}) {
  const signal = hands.signal ?? new AbortController().signal;
  for (const stage of planStages(plan, run, hands.drivers ?? host.drivers, signal)) await stage.run(() => {});
}

const failAt = (host: FakeHost, pattern: RegExp) => {
  host.fault = call => (pattern.test(call) ? new Error(`refused: ${call}`) : null);
};

const kinds = (run: Run) =>
  run.undo.map(action => ('name' in action ? `${action.kind} ${action.name}` : action.kind));

describe('a run', () => {
  test('keeps what it has done, by phase, and what would undo it, the latest first', async () => {
    const it = await scene(2);
    await carryOut(it);
    expect(it.run.done.map(({ phase }) => phase)).toEqual(
      'bridge uplink taps taps domains domains start start'.split(' '),
    );
    expect(it.run.done.every(({ ms }) => ms >= 0)).toBe(true);
    expect(kinds(it.run).slice(0, 2).sort()).toEqual(['stop l-vm0', 'stop l-vm1']);
    expect(kinds(it.run).slice(2, 4).sort()).toEqual(['undefine l-vm0', 'undefine l-vm1']);
    expect(kinds(it.run).slice(4)).toEqual([
      'delete-links',
      'delete-links',
      'sysctl',
      'ip',
      'sysctl',
      'delete-links',
    ]);
  });

  test.each<[string, RegExp, string]>([
    ['the first line', /^ip link add/, 'delete-links'],
    ['the middle of a batch', /^ip address flush dev eth0/, 'sysctl'],
    ['a tap', /^ip tuntap add dev vm1/, 'delete-links'],
    ['a definition', /^define l-vm1/, 'undefine l-vm1'],
    ['a start', /^create/, 'stop l-vm'],
  ])('that fails at %s can be undone, and that first', async (_, pattern, first) => {
    const it = await scene(3);
    const before = it.host.observe();
    failAt(it.host, pattern);
    await expect(carryOut(it)).rejects.toThrow('refused');
    expect(kinds(it.run).some(kind => kind.startsWith(first))).toBe(true);
    it.host.fault = () => null;
    expect(await rollBack(it.run, before, it.host.drivers, async () => it.host.observe())).toEqual({
      left: [],
      unseen: null,
      failures: [],
    });
  });

  test('goes no further than the phase that failed', async () => {
    const it = await scene(2);
    failAt(it.host, /^ip tuntap/);
    await expect(carryOut(it)).rejects.toThrow('refused');
    expect(it.host.calls.filter(call => call.startsWith('define'))).toEqual([]);
    expect(it.run.done.map(({ phase }) => phase)).toEqual(['bridge', 'uplink']);
  });

  test('tells what is left where the undo fails too', async () => {
    const it = await scene(1);
    const before = it.host.observe();
    failAt(it.host, /^define/);
    await expect(carryOut(it)).rejects.toThrow('refused');
    failAt(it.host, /^link del dev vmnet\.l\.br0/);
    const { left, failures } = await rollBack(it.run, before, it.host.drivers, async () => it.host.observe());
    expect(failures).toEqual(['delete-links: refused: link del dev vmnet.l.br0']);
    expect(left.some(line => line.startsWith('left over: link br0'))).toBe(true);
  });

  test('that was told to stop before it began does nothing', async () => {
    const it = await scene(1);
    await expect(carryOut(it, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'interrupted',
    });
    expect(it.host.calls).toEqual([]);
    expect(it.run.undo).toEqual([]);
  });

  test('that is told to stop ends after the action under way, never inside a batch', async () => {
    const it = await scene(3);
    const controller = new AbortController();
    it.host.fault = call => {
      if (call.startsWith('ip tuntap add dev vm0')) controller.abort();
      return null;
    };
    await expect(carryOut(it, { signal: controller.signal })).rejects.toMatchObject({ code: 'interrupted' });
    expect(it.host.calls.filter(call => call.startsWith('ip tuntap'))).toHaveLength(3);
    expect(it.host.domains.size).toBe(0);
  });
});

describe('guests', () => {
  /** The host's drivers with a libvirt that takes its time and counts how much it is asked at once. */
  function slowLibvirt(host: FakeHost) {
    const seen = { now: 0, most: 0 };
    const libvirt = async () => {
      const real = await host.drivers.libvirt();
      const slowly = (act: (text: string) => Promise<unknown>) => async (text: string) => {
        seen.most = Math.max(seen.most, ++seen.now);
        await sleep(3);
        seen.now--;
        return act(text);
      };
      return {
        ...real,
        defineDomain: slowly(xml => real.defineDomain(xml)),
        create: slowly(uuid => real.create(uuid)),
      };
    };
    return { seen, drivers: { ...host.drivers, libvirt } as unknown as Drivers };
  }

  test('are defined and started side by side, as many as there are processors', async () => {
    const it = await scene(3 * availableParallelism());
    const { seen, drivers } = slowLibvirt(it.host);
    await carryOut(it, { drivers });
    expect(seen).toEqual({ now: 0, most: availableParallelism() });
    expect([...it.host.domains.values()].every(({ state }) => state === 'running')).toBe(true);
  });

  /** The host's drivers, with every call to libvirt counted by its name. */
  function countedLibvirt(host: FakeHost) {
    const calls: Record<string, number> = {};
    const libvirt = async () =>
      new Proxy(await host.drivers.libvirt(), {
        get(real, name: string) {
          const member: unknown = Reflect.get(real, name);
          // An async function asks what it returns whether it can be awaited.
          if (name !== 'then') calls[name] = (calls[name] ?? 0) + 1;
          return member;
        },
      });
    return { calls, drivers: { ...host.drivers, libvirt } as unknown as Drivers };
  }

  test.each([10, 100])('take two calls each to be defined and started, and one to end: %i', async count => {
    const it = await scene(count);
    const { calls, drivers } = countedLibvirt(it.host);
    await carryOut(it, { drivers });
    expect(calls).toEqual({ defineDomain: count, create: count });
    const up = it.host.observe();
    const down = planDestroy('l', up, STATE_DIR);
    await carryOut({ ...it, plan: down, run: { done: [], undo: [] } }, { drivers });
    expect(calls).toEqual({ defineDomain: count, create: count, destroy: count, undefine: count });
    expect(it.host.domains.size).toBe(0);
  });

  test('that fail let those under way end, and start no more', async () => {
    const it = await scene(4 * availableParallelism());
    failAt(it.host, /^define l-vm0$/);
    const { seen, drivers } = slowLibvirt(it.host);
    await expect(carryOut(it, { drivers })).rejects.toThrow('refused: define l-vm0');
    expect(seen.now).toBe(0);
    expect(it.host.domains.size).toBeLessThan(2 * availableParallelism());
  });
});
