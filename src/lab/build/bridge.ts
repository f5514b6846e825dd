import type { RawLab } from '../file.js';
import type { Bridge, BridgeAddress } from '../model.js';
import { bridgeAlias, bridgeAltname, bridgeMac } from '../names.js';
import { normalised, plainAddress } from './address.js';
import type { Taken } from './taken.js';
import { buildVlan } from './vlan.js';

type RawBridge = RawLab['bridges'][string];

export function buildBridge(lab: string, name: string, raw: RawBridge, taken: Taken): Bridge {
  const stp = raw.stp ?? false;
  return {
    name,
    type: raw.type ?? 'linux',
    uplink: raw.uplink ?? null,
    permanent: raw.permanent ?? false,
    address: bridgeAddress(raw),
    peers: (raw.peers ?? []).map(plainAddress),
    vlanFiltering: raw.vlanFiltering ?? false,
    uplinkVlan: buildVlan(raw.uplinkVlan),
    bridgeNetfilter: raw.bridgeNetfilter ?? 'keep',
    mtu: raw.mtu ?? null,
    stp,
    // With STP the kernel raises anything below 2 s by itself, and then no second run would find what it asked for.
    forwardDelay: raw.forwardDelay ?? (stp ? 15 : 0),
    multicastSnooping: raw.multicastSnooping ?? null,
    mac: bridgeMac(lab, name, taken.macs),
    altname: bridgeAltname(lab, name),
    alias: bridgeAlias(lab, name),
  };
}

function bridgeAddress({ type, address, uplink, permanent }: RawBridge): BridgeAddress {
  const mode = address ?? (uplink === undefined || permanent || type === 'ovs' ? 'none' : 'inherit');
  return mode === 'inherit' || mode === 'none' ? { mode } : { mode: 'static', cidrs: normalised(mode) };
}
