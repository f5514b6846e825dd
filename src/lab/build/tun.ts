import type { RawLab } from '../file.js';
import type { Tun } from '../model.js';
import { bridgeAlias, bridgeAltname } from '../names.js';
import { normalised, plainAddress } from './address.js';

type RawTun = NonNullable<RawLab['tuns']>[string];

export function buildTun(lab: string, name: string, raw: RawTun): Tun {
  return {
    name,
    owner: raw.owner === undefined ? null : String(raw.owner),
    group: raw.group === undefined ? null : String(raw.group),
    addresses: normalised(raw.address ?? []),
    peer: raw.peer === undefined ? null : plainAddress(raw.peer),
    mtu: raw.mtu ?? 1500,
    multiQueue: raw.multiQueue ?? false,
    altname: bridgeAltname(lab, name),
    alias: bridgeAlias(lab, name),
  };
}
