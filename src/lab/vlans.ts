import type { Bridge, Lab, Nic, Vlan } from './model.js';
import { nicsOf } from './nics.js';

/** VLAN of a port that is given none, and of the uplink's frames without a tag: what switches ship with. */
export const NATIVE = 1;

/** Does the bridge keep VLANs apart? */
export const knowsVlans = ({ type, vlanFiltering }: Pick<Bridge, 'type' | 'vlanFiltering'>) =>
  type === 'ovs' || vlanFiltering;

/** What a NIC's port carries on a Linux bridge that filters. */
export const portVlan = ({ vlan }: Pick<Nic, 'vlan'>): Vlan => vlan ?? { access: NATIVE };

/** Every VLAN that a port carries, in order. */
export const vidsOf = (vlan: Vlan): number[] =>
  'access' in vlan
    ? [vlan.access]
    : [...new Set([...vlan.trunk, ...(vlan.native === null ? [] : [vlan.native])])].sort((a, b) => a - b);

/** The VLAN of frames without a tag; null where those are dropped. */
export const untaggedOf = (vlan: Vlan): number | null => ('access' in vlan ? vlan.access : vlan.native);

/** What the uplink of a bridge carries: as the lab says, else all VLANs of its NICs, VLAN 1 without a tag. */
export function uplinkVlanOf(bridge: Bridge, lab: Lab): Vlan {
  if (bridge.uplinkVlan) return bridge.uplinkVlan;
  const nics = nicsOf(lab).filter(nic => nic.bridge === bridge.name);
  const vids = nics.flatMap(nic => vidsOf(portVlan(nic))).filter(vid => vid !== NATIVE);
  return { trunk: [...new Set(vids)].sort((a, b) => a - b), native: NATIVE };
}

/** VLAN of the host itself on a Linux bridge that filters: that of the uplink's frames without a tag. */
export const hostVid = (bridge: Bridge, lab: Lab): number =>
  (bridge.uplink === null ? null : untaggedOf(uplinkVlanOf(bridge, lab))) ?? NATIVE;

/** An uplink written `eth0.10`: VLAN 10 of eth0; null where it is no such name. */
export function subInterfaceOf(uplink: string): { readonly parent: string; readonly vid: number } | null {
  const [, parent = '', digits = ''] = /^(.+)\.([1-9][0-9]{0,3})$/.exec(uplink) ?? [];
  const vid = Number(digits);
  return parent !== '' && vid >= NATIVE && vid <= 4094 ? { parent, vid } : null;
}

/**
 * Does anything on a bridge of Open vSwitch name a VLAN? Else its ports are left as plain as those of a Linux bridge
 * that does not filter.
 */
export const usesVlans = (bridge: Bridge, lab: Lab) =>
  bridge.uplinkVlan !== null || nicsOf(lab).some(nic => nic.bridge === bridge.name && nic.vlan !== null);

/** VLANs of a NIC's port on a bridge of Open vSwitch; null where nothing on it names one. */
export const ovsVlan = (nic: Nic, bridge: Bridge, lab: Lab): Vlan | null =>
  usesVlans(bridge, lab) ? portVlan(nic) : null;
