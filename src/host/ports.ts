import type { IpJson } from '../drivers/iproute2.js';
import { number, object, string } from './json.js';

/** Flags of a bridge port. */
export interface PortFlags {
  /** May not talk to other isolated ports. */
  readonly isolated: boolean;
  /** Frames are sent back out of the port that they came in through. */
  readonly hairpin: boolean;
  /** Unicast to an unknown MAC is sent out of it. */
  readonly flood: boolean;
}

/** br_netfilter's tables. */
export type NetfilterTable = 'iptables' | 'ip6tables' | 'arptables';

/** What a bridge and its ports are set to, beside what a plan has to know. */
export interface BridgeSettings {
  readonly ports: ReadonlyMap<string, PortFlags>;
  /** Tables that a bridge hands its frames to by its own switch, by name of the bridge. */
  readonly calls: ReadonlyMap<string, readonly NetfilterTable[]>;
}

export const NETFILTER_TABLES: readonly NetfilterTable[] = ['iptables', 'ip6tables', 'arptables'];

/**
 * @param ports `bridge -j -d link show`
 * @param links `ip -j -d link show`
 */
export const parseBridgeSettings = (ports: readonly IpJson[], links: readonly IpJson[]): BridgeSettings => ({
  ports: new Map(
    ports.map(port => [
      string(port.ifname) ?? '',
      { isolated: port.isolated === true, hairpin: port.hairpin === true, flood: port.flood !== false },
    ]),
  ),
  calls: new Map(
    links.map(link => {
      const data = object(object(link.linkinfo).info_data);
      return [
        string(link.ifname) ?? '',
        NETFILTER_TABLES.filter(table => number(data[`nf_call_${table}`]) === 1),
      ];
    }),
  ),
});
