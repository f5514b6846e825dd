import type { IpJson } from '../drivers/iproute2.js';
import { number, object, objects, string, strings } from './json.js';
import type { Address, Link } from './model.js';

/** One object of `ip -j -d address show` as a Link. */
export function parseLink(json: IpJson): Link {
  const info = object(json.linkinfo);
  const kind = string(info.info_kind);
  const data = object(info.info_data);
  const port = string(info.info_slave_kind) === 'bridge' ? object(info.info_slave_data) : null;
  const flags = strings(json.flags);
  return {
    index: number(json.ifindex) ?? 0,
    name: string(json.ifname) ?? '',
    type: string(json.link_type) ?? '',
    mac: string(json.address) ?? '',
    mtu: number(json.mtu) ?? 0,
    up: flags.includes('UP'),
    operState: string(json.operstate) ?? 'UNKNOWN',
    carrier: flags.includes('LOWER_UP'),
    kind,
    master: string(json.master),
    portState: port ? string(port.state) : null,
    isolated: port?.isolated === true,
    altnames: strings(json.altnames),
    alias: string(json.ifalias),
    tap:
      kind === 'tun' && data.type === 'tap'
        ? {
            vnetHdr: data.vnet_hdr === true,
            multiQueue: data.multi_queue === true,
            persist: data.persist === true,
            ...(data.user === undefined ? {} : { owner: String(data.user) }),
          }
        : null,
    bridge:
      kind === 'bridge'
        ? {
            stp: number(data.stp_state) === 1,
            forwardDelay: Math.round((number(data.forward_delay) ?? 0) / USER_HZ),
            multicastSnooping: number(data.mcast_snooping) === 1,
            ...(number(data.vlan_filtering) === 1 ? { vlanFiltering: true as const } : {}),
            ...((number(data.vlan_default_pvid) ?? 1) === 1
              ? {}
              : { defaultPvid: number(data.vlan_default_pvid) ?? 1 }),
          }
        : null,
    ...(kind === 'tun' && data.type === 'tun'
      ? {
          tun: {
            owner: account(data.user),
            group: account(data.group),
            multiQueue: data.multi_queue === true,
          },
        }
      : {}),
    ...(kind === 'macvlan' || kind === 'macvtap'
      ? { macvlan: { lower: string(json.link), mode: string(data.mode) ?? '' } }
      : {}),
    addresses: objects(json.addr_info).map(parseAddress),
    ...peerOf(json, kind),
  };
}

/** Links of one dump: ip(8) tells the other end of a veth by its name, not its index, where that is here as well. */
export function withPeersHere(dump: readonly IpJson[]): Link[] {
  const indexOf = new Map(dump.map(json => [json.ifname, number(json.ifindex)] as const));
  return dump.map(json => {
    const index = json.link_index === undefined ? (indexOf.get(json.link) ?? null) : null;
    return parseLink(index === null ? json : { ...json, link_index: index });
  });
}

/** Where the other end of a veth is. */
function peerOf(json: IpJson, kind: string | null): Pick<Link, 'peer'> {
  const index = number(json.link_index);
  if (kind !== 'veth' || index === null) return {};
  return { peer: { index, netnsid: number(json.link_netnsid) } };
}
/** A name, or the number of one that has none. */
const account = (value: unknown) => (value === undefined || value === null ? null : String(value));

/** iproute2 prints a bridge's timers in hundredths of a second, whatever the kernel's own tick. */
const USER_HZ = 100;

/** What the kernel prints for a lifetime without end. */
const FOREVER = 4294967295;

function parseAddress(json: IpJson): Address {
  const lifetime = (value: unknown) => {
    const seconds = number(value);
    return seconds === null || seconds === FOREVER ? null : seconds;
  };
  return {
    family: json.family === 'inet6' ? 6 : 4,
    local: string(json.local) ?? '',
    prefix: number(json.prefixlen) ?? 0,
    peer: string(json.address),
    broadcast: string(json.broadcast),
    scope: string(json.scope) ?? 'global',
    label: string(json.label),
    metric: number(json.metric),
    flags: ['noprefixroute', 'home', 'mngtmpaddr'].filter(flag => json[flag] === true),
    protocol: string(json.protocol),
    dynamic: json.dynamic === true,
    validLifetime: lifetime(json.valid_life_time),
    preferredLifetime: lifetime(json.preferred_life_time),
    ...(json.temporary === true ? { temporary: true as const } : {}),
  };
}
