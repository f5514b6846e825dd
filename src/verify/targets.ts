import { domainOf } from '../host/existing.js';
import type { HostState } from '../host/model.js';
import { isExisting } from '../lab/existing.js';
import type { BridgeMode, Lab, Nic } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import { type Intent, intentOf } from './intent.js';
import { type Segment, segmentOf } from './segment.js';

/** A NIC of the lab with the names that its links have now. */
export interface Target {
  readonly nic: Nic;
  /** Name of its libvirt domain; null for a namespace's, and where the lab was applied without domains. */
  readonly domain: string | null;
  /** That domain is not ours to start. */
  readonly existing?: boolean;
  readonly tap: string;
  readonly bridge: string;
  readonly uplink: string | null;
  /** What the bridge is for, and the verdict that this makes a good one. */
  readonly mode: BridgeMode;
  readonly intent: Intent;
  /** On a bridge of Open vSwitch. */
  readonly ovs?: boolean;
  /** null, or missing, where its bridge tells no VLANs apart. */
  readonly segment?: Segment | null;
}

/** A NIC with the ends of its path: the device of its guest, and where its frames leave. */
export type Ends = Pick<Target, 'nic' | 'tap' | 'uplink' | 'segment'>;

/** Each NIC on a bridge with the names that its tap and bridge have now: marks tell, since an owner may have renamed them. */
export function targetsOf(lab: Lab, host: HostState, networkOnly = false): Target[] {
  const nameOf = new Map(
    host.links.flatMap(link => link.altnames.map(altname => [altname, link.name] as const)),
  );
  const bridges = new Map(lab.bridges.map(bridge => [bridge.name, bridge]));
  const domains = new Map(
    networkOnly ? [] : lab.vms.map(vm => [vm.name, domainOf(vm, host)?.name ?? vm.domain]),
  );
  const existing = new Set(lab.vms.filter(isExisting).map(({ name }) => name));
  return nicsOf(lab).flatMap(nic => {
    if (nic.bridge === null) return [];
    const bridge = bridges.get(nic.bridge);
    const segment = segmentOf(nic, bridge, lab);
    return {
      nic,
      domain: domains.get(nic.vm) ?? null,
      tap: nameOf.get(nic.altname) ?? nic.tap,
      bridge: nameOf.get(bridge?.altname ?? '') ?? nic.bridge,
      uplink: bridge?.uplink ?? null,
      mode: bridge?.mode ?? 'bridged',
      intent: intentOf(bridge?.mode ?? 'bridged'),
      ...(existing.has(nic.vm) ? { existing: true } : {}),
      ...(bridge?.type === 'ovs' ? { ovs: true } : {}),
      ...(segment ? { segment } : {}),
    };
  });
}
