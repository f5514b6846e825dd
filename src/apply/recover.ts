import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import { findRecord } from '../host/records.js';
import type { Lab } from '../lab/model.js';
import { execute, joined } from './execute.js';
import { forget } from './forget.js';
import { type Interrupted, readJournal, undoOf } from './journal.js';
import { notRestored, rollBack } from './rollback.js';

/**
 * What became of a run that ended without a word: `none` was pending; `undone`: a provision, and the host is as it
 * was before; `carried on`: a destroy, whose begun phases are done and whose rest is to be planned anew;
 * `outdated`: it was of another boot or network namespace, so nothing of it is replayed.
 */
export type Recovery = 'none' | 'undone' | 'carried on' | 'outdated';

/** Bring a run that was killed to a clean end. The caller holds the lab's lock. */
export async function recover(
  lab: string,
  drivers: Drivers,
  observe: () => Promise<HostState>,
): Promise<Recovery> {
  await drivers.ip.sweep();
  await drivers.locks.sweep();
  const interrupted = await readJournal(lab, drivers);
  if (interrupted === null) {
    await drivers.journals.end(lab);
    await drivers.records.sweep(lab);
    return 'none';
  }
  drivers.connection.follow(interrupted.before.libvirtUser ?? null);
  if (!(await isOfHere(interrupted, drivers))) {
    await drivers.journals.end(lab);
    return 'outdated';
  }
  if (interrupted.plan.verb === 'destroy') {
    await carryOn(interrupted, drivers);
    await drivers.journals.end(lab);
    return 'carried on';
  }
  await undo(interrupted, drivers, observe);
  await putBack(lab, interrupted.former, drivers);
  return 'undone';
}

/** The record as it was, and then the end of the journal: killed in between, this is all done once more. */
export async function putBack(lab: string, former: LabRecord | null, drivers: Drivers): Promise<void> {
  if (former === null) await forget(lab, drivers);
  // A full disk must not hinder a run that got no further than this.
  else if (!isSame(await findRecord(lab, drivers), former)) await drivers.records.save(former);
  await drivers.journals.end(lab);
  await drivers.records.sweep(lab);
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

async function isOfHere({ before }: Interrupted, { kernel }: Drivers): Promise<boolean> {
  return before.bootId === (await kernel.bootId()) && before.netns === (await kernel.netns());
}

async function undo(
  interrupted: Interrupted,
  drivers: Drivers,
  observe: () => Promise<HostState>,
): Promise<void> {
  const { lab, record } = interrupted.plan;
  const run = { done: [], undo: undoOf(interrupted) };
  const rollback = await rollBack(run, interrupted.before, drivers, observe);
  // Hours may have passed: what others did to the host meanwhile is theirs.
  const touched = namesOf(record?.lab ?? null);
  const isOurs = (line: string) => touched.some(name => line.split(/[\s(),]+/).includes(name));
  const left = rollback.unseen ? rollback.left : rollback.left.filter(isOurs);
  const cause = new VmnetError('interrupted', `a provision of ${lab} had been cut off`);
  if (left.length > 0) throw notRestored(cause, { ...rollback, left }, lab);
}

/** Names of everything on the host that a lab has to do with. */
const namesOf = (lab: Lab | null): string[] => [
  ...(lab?.bridges ?? []).flatMap(bridge => [bridge.name, ...(bridge.uplink ? [bridge.uplink] : [])]),
  ...(lab?.tuns ?? []).map(tun => tun.name),
  ...(lab?.vms ?? []).flatMap(vm => [vm.domain, ...vm.nics.map(nic => nic.tap)]),
  ...(lab?.namespaces ?? []).flatMap(({ netns, nics }) => [netns, ...nics.map(nic => nic.tap)]),
  ...(lab?.links ?? []).flatMap(({ ends }) => ends.flatMap(end => (end.namespace === null ? end.name : []))),
];

/** A destroy goes on forwards: what was taken from the bridge must arrive at the uplink. */
async function carryOn({ begun }: Interrupted, drivers: Drivers): Promise<void> {
  for (const action of joined(begun.flatMap(phase => phase.steps.flatMap(step => step.do)))) {
    // It may have been done already, in part or whole; the plan that follows looks at what is left.
    await execute(action, drivers, { undoing: true, signal: null, tell: () => {} }).catch(() => {});
  }
}
