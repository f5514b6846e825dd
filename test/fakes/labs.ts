import { planStages, type Run } from '../../src/apply/pipeline.js';
import type { HostState } from '../../src/host/model.js';
import type { Lab } from '../../src/lab/model.js';
import { parseLab } from '../../src/lab/parse.js';
import { problemLine } from '../../src/lab/problem.js';
import { bridgeMtu } from '../../src/plan/bridge.js';
import type { Plan } from '../../src/plan/model.js';
import type { RenderContext } from '../../src/render/domain.js';
import { machineFor } from '../../src/render/machine.js';
import { type FakeHost, STATE_DIR } from './host.js';

/** A lab file's text or content to the lab; a wrong one throws. */
export function labFrom(file: string | object, path = '/labs/lab.json'): Lab {
  const { lab, problems } = parseLab(typeof file === 'string' ? file : JSON.stringify(file), path);
  if (lab === null) throw new Error(problems.map(problemLine).join('\n'));
  return lab;
}

/** Facts for rendering that never change: emulation on x86-64, and a probe guest in a fixed place. */
export const renderContext = (
  lab: Lab,
  host: HostState,
  more: Partial<RenderContext> = {},
): RenderContext => ({
  machine: machineFor('x64'),
  accel: 'tcg',
  probe: { kernel: '/var/cache/vmnet/guest/vmlinuz', initrd: '/var/cache/vmnet/guest/initrd' },
  mtus: Object.fromEntries(lab.bridges.map(bridge => [bridge.name, bridgeMtu(bridge, host)])),
  stateDir: STATE_DIR,
  ...more,
});

/** Run a plan on a fake host with the real pipeline, and keep record and files as apply does. */
export async function carryOut(plan: Plan, host: FakeHost): Promise<Run> {
  const run: Run = { done: [], undo: [] };
  if (plan.record && plan.phases.length > 0) host.records.set(plan.lab, plan.record);
  for (const stage of planStages(plan, run, host.drivers, new AbortController().signal))
    await stage.run(() => {});
  for (const path of plan.garbage) await host.drivers.files.remove(path);
  return run;
}
