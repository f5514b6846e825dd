import type { Drivers } from '../drivers/drivers.js';
import { isExisting } from '../lab/existing.js';
import type { Vm } from '../lab/model.js';

/** Milliseconds for all agents together. One that hangs takes libvirt 5 s. */
const PATIENCE_MS = 1500;

/** Addresses that agents tell, by MAC and unchecked, of each VM that has one; all at once. */
export async function askAgents(
  vms: readonly Vm[],
  drivers: Drivers,
): Promise<ReadonlyMap<Vm, ReadonlyMap<string, readonly string[]>>> {
  const asked = vms.filter(({ boot }) => boot.kind !== 'probe');
  const libvirt = asked.length === 0 ? null : await drivers.libvirt().catch(() => null);
  if (libvirt === null) return new Map();
  const options = { deadlineMs: PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) };
  const answers = await Promise.all(
    asked.map(async vm => {
      // Most have no agent, or it is not up yet.
      const uuid = isExisting(vm) ? await libvirt.lookupDomainByName(vm.domain).catch(() => null) : vm.uuid;
      const told =
        uuid === null
          ? []
          : await libvirt.agentInterfaces(uuid, { ...options, name: vm.domain }).catch(() => []);
      return [vm, byMac(told)] as const;
    }),
  );
  return new Map(answers);
}

type Told = readonly { readonly mac: string | null; readonly addresses: readonly string[] }[];

/** A bridge or VLAN in the guest has the MAC of the NIC below it. */
export function byMac(told: Told): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const { mac, addresses } of told) {
    if (mac === null) continue;
    all.set(mac.toLowerCase(), [...(all.get(mac.toLowerCase()) ?? []), ...addresses]);
  }
  return all;
}
