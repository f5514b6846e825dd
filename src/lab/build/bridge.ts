import type { RawLab } from '../file.js';
import type { Bridge, BridgeAddress, BridgeMode } from '../model.js';
import { bridgeAlias, bridgeAltname, bridgeMac } from '../names.js';
import { normalised, plainAddress } from './address.js';
import type { Taken } from './taken.js';

type RawBridge = NonNullable<RawLab['bridges']>[string];

export function buildBridge(lab: string, name: string, raw: RawBridge, taken: Taken): Bridge {
  const stp = raw.stp ?? false;
  return {
    name,
    uplink: raw.uplink ?? null,
    permanent: raw.permanent ?? false,
    mode: bridgeMode(raw),
    docker: raw.docker ?? 'keep',
    address: bridgeAddress(raw),
    peers: (raw.peers ?? []).map(plainAddress),
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

/** With neither an uplink nor an owner of its own, nothing leads out of a bridge. */
const bridgeMode = ({ mode, uplink, permanent }: RawBridge): BridgeMode =>
  mode ?? (uplink === undefined && !permanent ? 'isolated' : 'bridged');

function bridgeAddress({ address, uplink, permanent }: RawBridge): BridgeAddress {
  const mode = address ?? (uplink === undefined || permanent ? 'none' : 'inherit');
  return mode === 'inherit' || mode === 'none' ? { mode } : { mode: 'static', cidrs: normalised(mode) };
}
