import type { RawLab } from '../file.js';
import type { Bridge, BridgeAddress, BridgeMode } from '../model.js';
import { bridgeAlias, bridgeAltname, bridgeMac } from '../names.js';
import { normalised, plainAddress } from './address.js';
import { buildDhcp } from './dhcp.js';
import type { Taken } from './taken.js';
import { buildVlan } from './vlan.js';

type RawBridge = NonNullable<RawLab['bridges']>[string];

export function buildBridge(lab: string, name: string, raw: RawBridge, taken: Taken): Bridge {
  const stp = raw.stp ?? false;
  return {
    name,
    type: raw.type ?? 'linux',
    uplink: raw.uplink ?? null,
    permanent: raw.permanent ?? false,
    mode: bridgeMode(raw),
    docker: raw.docker ?? 'keep',
    address: bridgeAddress(raw),
    dhcp: buildDhcp(lab, raw),
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

/** With neither an uplink nor an owner of its own, nothing leads out of a bridge; rules of modes are for Linux bridges. */
const bridgeMode = ({ type, mode, uplink, permanent }: RawBridge): BridgeMode =>
  mode ?? (uplink === undefined && !permanent && type !== 'ovs' ? 'isolated' : 'bridged');

function bridgeAddress(raw: RawBridge): BridgeAddress {
  const mode = raw.address ?? defaultAddress(raw);
  if (mode === 'inherit' || mode === 'none') return { mode };
  return mode === 'auto' ? { mode, cidrs: [] } : { mode: 'static', cidrs: normalised(mode) };
}

/** Where guests get out through the host, the host has to be there. */
function defaultAddress({ type, uplink, permanent, mode }: RawBridge): 'inherit' | 'auto' | 'none' {
  if (mode === 'nat' || mode === 'routed') return 'auto';
  return uplink === undefined || permanent || type === 'ovs' ? 'none' : 'inherit';
}
