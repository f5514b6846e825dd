import type { HostState } from '../host/model.js';
import type { BridgeMode, Lab, Nic } from '../lab/model.js';
import { isInner, nicsOf } from '../lab/nics.js';
import { type Intent, intentOf } from './intent.js';

/** A NIC of the lab with the names that its links have now. */
export interface Target {
  readonly nic: Nic;
  /** Name of its libvirt domain; null for a namespace's, and where the lab was applied without domains. */
  readonly domain: string | null;
  readonly tap: string;
  readonly bridge: string;
  readonly uplink: string | null;
  /** What the bridge is for, and the verdict that this makes a good one. */
  readonly mode: BridgeMode;
  readonly intent: Intent;
  /** A guest that the bridge's DHCP gives its IPv4 address: the lab has none for it. */
  readonly leased: boolean;
}

const isFour = (address: string) => !address.includes(':');

/** Each NIC with the names that its tap and bridge have now: marks tell, since an owner may have renamed them. */
export function targetsOf(lab: Lab, host: HostState, networkOnly = false): Target[] {
  const nameOf = new Map(
    host.links.flatMap(link => link.altnames.map(altname => [altname, link.name] as const)),
  );
  const bridges = new Map(lab.bridges.map(bridge => [bridge.name, bridge]));
  const domains = new Map(networkOnly ? [] : lab.vms.map(vm => [vm.name, vm.domain]));
  return nicsOf(lab).map(nic => {
    const bridge = bridges.get(nic.bridge);
    return {
      nic,
      domain: domains.get(nic.vm) ?? null,
      tap: nameOf.get(nic.altname) ?? nic.tap,
      bridge: nameOf.get(bridge?.altname ?? '') ?? nic.bridge,
      uplink: bridge?.uplink ?? null,
      mode: bridge?.mode ?? 'bridged',
      intent: intentOf(bridge?.mode ?? 'bridged'),
      // Namespaces are given their addresses, or have none.
      leased: bridge?.dhcp != null && !isInner(nic) && !nic.addresses.some(isFour),
    };
  });
}
