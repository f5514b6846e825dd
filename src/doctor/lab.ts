import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { stepCount } from '../plan/model.js';
import { planProvision } from '../plan/plan.js';
import { PlanError } from '../plan/problems.js';
import type { RenderContext } from '../render/domain.js';
import type { Ground } from './ground.js';
import { wantedAccel } from './kvm.js';
import { about, type Finding } from './model.js';
import { uplinkProblem } from './uplink.js';

const WHY = 'It is what provision would do, worked out and not done.';

/** Plan the lab without applying it. */
export async function lookAtLab(ground: Ground): Promise<Finding[]> {
  const { lab } = ground;
  if (lab === null) return [];
  const host = await ground.host();
  if (host.libvirt === null)
    return [
      ...judgePlan(lab, host, null),
      unprepared(lab, 'libvirt does not answer', 'see the line on libvirt'),
    ];
  try {
    // Proved here first, so that two do not try at once what takes ten seconds.
    if (wantedAccel(lab) !== 'tcg' && (await ground.kvm()) === null)
      return [
        ...judgePlan(lab, host, null),
        unprepared(lab, 'this user may not open /dev/kvm', 'sudo vmnet doctor'),
      ];
    return judgePlan(lab, host, await ground.prepare(host));
  } catch (error) {
    if (!(error instanceof VmnetError)) throw error;
    return [...judgePlan(lab, host, null), unprepared(lab, error.message, error.hint)];
  }
}

const unprepared = (lab: Lab, reason: string, fix: string | null): Finding =>
  about('guests', `guests of ${lab.name}`, WHY).unseen(reason, fix);

/** Without `context`, the network alone. */
export function judgePlan(lab: Lab, host: HostState, context: RenderContext | null): Finding[] {
  const it = about('lab', `lab ${lab.name}`, WHY);
  try {
    const plan = planProvision(lab, host, context);
    const steps = stepCount(plan);
    const notes = plan.notes.map(note => it.warning(note, null));
    const found =
      steps === 0
        ? 'is up as the file says'
        : `can be provisioned, in ${steps} ${steps === 1 ? 'step' : 'steps'}`;
    return [it.ok(found), ...notes];
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    // What is wrong with an uplink is told in its own line.
    const told = new Set(lab.bridges.flatMap(bridge => uplinkProblem(bridge, host)?.message ?? []));
    return error.problems
      .filter(({ message }) => !told.has(message))
      .map(({ message, fix }) => it.fault(message, fix));
  }
}
