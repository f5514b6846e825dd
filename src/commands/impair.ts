import { applyProvision } from '../apply/apply.js';
import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { readRecords } from '../host/records.js';
import { requireHost } from '../host/require.js';
import { buildImpair } from '../lab/build/port.js';
import type { Impair, Lab, Nic } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { impairFile } from '../lab/resolved.js';
import { impairFaults } from '../lab/rules/ports.js';
import { planImpair } from '../plan/impair.js';
import { stepCount } from '../plan/model.js';
import type { Context, Outcome } from './command.js';
import { findVm } from './find-vm.js';
import { type LockFlags, locked, locksFor } from './locked.js';
import { recoverFirst } from './recover.js';

export interface ImpairFlags extends LockFlags {
  readonly delay?: string;
  readonly jitter?: string;
  readonly loss?: string;
  readonly corrupt?: string;
  readonly reorder?: string;
  readonly rate?: string;
  /** Nothing any more. */
  readonly clear?: boolean;
}

const KEYS = ['delay', 'jitter', 'loss', 'corrupt', 'reorder', 'rate'] as const;

/** Make the line to a guest bad, or good again, while it runs; until the next provision, which asks the lab file. */
export async function impair(nicName: string, flags: ImpairFlags, context: Context): Promise<Outcome> {
  const wanted = wantedOf(flags);
  const [vm, index] = splitName(nicName);
  const { record } = findVm(vm, await readRecords(context.drivers));
  context.about.lab = record.name;
  await requireHost(context.drivers, 'impair');
  const what = `vmnet impair ${record.name}`;
  return locked(locksFor(record.name, record.lab), what, flags, context, () =>
    impairLocked(vm, index, wanted, context),
  );
}

/** Everything of it is as a provision of the lab as it was applied, but for this NIC; so it is undone like one. */
async function impairLocked(
  vm: string,
  index: number,
  wanted: Impair | null,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const name = context.about.lab ?? '';
  await recoverFirst(name, context);
  const found = findVm(vm, await readRecords(drivers));
  const nic = found.vm.nics[index];
  if (!nic)
    throw new VmnetError(
      'usage',
      `${vm} has no NIC ${index}`,
      `It has ${found.vm.nics.length}, counted from 0.`,
    );
  const lab = withImpair(found.record, nic, wanted);
  const observe = () => observeHost(drivers, lab, { networkOnly: true });
  const host = await observe();
  const plan = planImpair(lab, nic, host);
  const steps = await applyProvision(plan, host, { ...context, observe, startGuard: null }, []);
  const now = wanted
    ? Object.entries(impairFile(wanted))
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')
    : 'nothing';
  reporter.print(
    `${name}: ${vm}, NIC ${index}: ${now} on the way to it${stepCount(plan) === 0 ? ', as before' : ''}`,
  );
  reporter.print('The next provision puts back what the lab file says.');
  return { lab: name, steps, more: { nic: { vm: found.vm.name, index, tap: nic.tap, impair: wanted } } };
}

function withImpair({ lab }: LabRecord, nic: Nic, impair: Impair | null): Lab {
  const changed = (other: Nic): Nic => (other.altname === nic.altname ? { ...other, impair } : other);
  return { ...lab, vms: lab.vms.map(vm => ({ ...vm, nics: vm.nics.map(changed) })) };
}

/** `VM`, `LAB/VM`, and either with `:INDEX`. */
function splitName(name: string): [vm: string, index: number] {
  const [, vm = '', index = '0'] = /^(.*?)(?::([0-9]{1,2}))?$/s.exec(name) ?? [];
  return [vm, Number(index)];
}

/** The flags, held to the same rules as the lab file. Throws `usage`. */
function wantedOf(flags: ImpairFlags): Impair | null {
  const said = Object.fromEntries(KEYS.flatMap(key => (flags[key] === undefined ? [] : [[key, flags[key]]])));
  if (Object.keys(said).length > 0 === (flags.clear ?? false))
    throw new VmnetError(
      'usage',
      flags.clear ? '--clear goes with nothing else' : 'impair takes how the line is to be',
      `Such as --delay 50ms --loss 1%; of ${KEYS.map(key => `--${key}`).join(', ')}; or --clear.`,
    );
  if (flags.clear) return null;
  const [fault] = impairFaults(said);
  if (fault)
    throw new VmnetError(
      'usage',
      `--${fault.key}: ${quote(said[fault.key] ?? '')}: ${fault.message}`,
      `${fault.fix}.`,
    );
  return buildImpair(said);
}
