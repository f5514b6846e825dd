import type { Drivers } from '../drivers/drivers.js';
import type { Bridge, Lab, Nic, Vm } from '../lab/model.js';
import { UNRULED } from '../lab/unruled.js';
import type { LabRecord } from './model.js';

/** What earlier runs wrote down, by name of the lab; the driver has checked their shape. */
export const readRecords = async (drivers: Drivers): Promise<readonly LabRecord[]> =>
  ((await drivers.records.all()) as readonly LabRecord[]).map(completed);

/** By what the driver gave, which is the same object as long as the file is. */
const whole = new WeakMap<LabRecord, LabRecord>();

/** A record of an earlier vmnet lacks the keys that labs have got since; one of today stays as it is, key by key. */
function completed(record: LabRecord): LabRecord {
  const known = whole.get(record);
  if (known) return known;
  const full = withDefaults({ ...record, lab: completedLab(record.lab) }, { forwarding: null });
  whole.set(record, full);
  return full;
}

const completedLab = (lab: Lab): Lab => ({
  ...withDefaults(lab, { namespaces: [], links: [], tuns: [] }),
  bridges: lab.bridges.map(bridge => withDefaults(bridge, BRIDGE)),
  vms: lab.vms.map(completedVm),
});

const BRIDGE: Partial<Bridge> = {
  type: 'linux',
  peers: [],
  mode: 'bridged',
  docker: 'keep',
  dhcp: null,
  vlanFiltering: false,
  uplinkVlan: null,
};

function completedVm(vm: Vm): Vm {
  const full = withDefaults(vm, VM);
  const boot = vm.boot.kind === 'probe' ? withDefaults(vm.boot, { forward: false }) : vm.boot;
  const nics = vm.nics.map(nic => withDefaults(nic, NIC));
  const isSame = boot === vm.boot && nics.every((nic, index) => nic === vm.nics[index]);
  return isSame ? full : { ...full, boot, nics };
}

const VM: Partial<Vm> = { firmware: 'bios', disks: [], keepDisk: false, cloudInit: null };
const NIC: Partial<Nic> = { ...UNRULED, gateways: [], vlan: null };

/** The very object where it lacks nothing, as nearly always: a lab may have a thousand. */
function withDefaults<T extends object>(value: T, defaults: Partial<T>): T {
  const lacking = Object.entries(defaults).filter(([key]) => value[key as keyof T] === undefined);
  return lacking.length === 0 ? value : { ...value, ...Object.fromEntries(lacking) };
}

/** That of one lab. */
export async function findRecord(name: string, drivers: Drivers): Promise<LabRecord | undefined> {
  return (await readRecords(drivers)).find(record => record.name === name);
}

/** A lab, and the same as it was last applied: what either has is looked at. */
export const asAppliedAndWanted = (lab: Lab | null, records: readonly LabRecord[]): Lab[] =>
  [lab, records.find(({ name }) => name === lab?.name)?.lab].filter(one => one != null);
