import type { HostState } from '../host/model.js';
import { type BridgeSettings, NETFILTER_TABLES, type NetfilterTable } from '../host/ports.js';

/** A switch that sends a bridge's frames through the host's netfilter. */
export interface Switch {
  readonly table: NetfilterTable;
  /** For programs: `bridge-nf-call-iptables`, the host's switch, or `nf-call-iptables`, the bridge's own. */
  readonly reason: string;
  /** For people. */
  readonly name: string;
  /** Command that turns it off. */
  readonly fix: string;
}

/** What is on for a bridge, one switch a table; the host's is told of before the bridge's own. */
export const switchesOn = (
  bridge: string,
  sysctls: HostState['sysctls'],
  { calls }: Pick<BridgeSettings, 'calls'>,
): Switch[] =>
  NETFILTER_TABLES.flatMap(table => {
    if (!['0', undefined].includes(sysctls[`net/bridge/bridge-nf-call-${table}`])) {
      const name = `net.bridge.bridge-nf-call-${table}`;
      return [{ table, reason: `bridge-nf-call-${table}`, name, fix: `sysctl -w ${name}=0` }];
    }
    if (!calls.get(bridge)?.includes(table)) return [];
    return [
      {
        table,
        reason: `nf-call-${table}`,
        name: `nf_call_${table} of ${bridge}`,
        fix: `ip link set dev ${bridge} type bridge nf_call_${table} 0`,
      },
    ];
  });
