import type { Drivers } from '../drivers/drivers.js';
import { type Lease, parseLeases } from '../host/leases.js';
import type { HostState } from '../host/model.js';
import { serviceFiles } from '../host/services.js';
import type { Bridge, Dhcp, Lab } from '../lab/model.js';
import { table } from '../report/table.js';

/** A bridge as `status` shows it. */
export interface BridgeStatus {
  readonly lab: string;
  readonly name: string;
  readonly mode: Bridge['mode'];
  readonly present: boolean;
  /** CIDRs that the bridge has now; of one without an uplink only, where they are its own. */
  readonly addresses: readonly string[];
  readonly dhcp: {
    /** `dead`: it should run. */
    readonly state: 'running' | 'dead';
    readonly domain: string;
    readonly leases: readonly Lease[];
  } | null;
}

export const bridgesOf = (lab: Lab, host: HostState, drivers: Drivers): Promise<BridgeStatus[]> =>
  Promise.all(
    lab.bridges.map(async bridge => {
      const link = host.links.find(({ altnames }) => altnames.includes(bridge.altname));
      const addresses = link?.addresses.map(({ local, prefix }) => `${local}/${prefix}`) ?? [];
      return {
        lab: lab.name,
        name: bridge.name,
        mode: bridge.mode,
        present: link !== undefined,
        addresses: bridge.uplink === null ? addresses : [],
        dhcp: bridge.dhcp && (await dhcpOf(lab.name, bridge.name, bridge.dhcp, host, drivers)),
      };
    }),
  );

async function dhcpOf(
  lab: string,
  bridge: string,
  { domain }: Dhcp,
  host: HostState,
  { files, stateDir }: Drivers,
): Promise<BridgeStatus['dhcp']> {
  const runs = host.services.some(service => service.lab === lab && service.bridge === bridge);
  const text = await files.read(serviceFiles(stateDir, lab, bridge, '').leases);
  return { state: runs ? 'running' : 'dead', domain, leases: parseLeases(text ?? '') };
}

export const bridgeTable = (bridges: readonly BridgeStatus[]): string =>
  table(
    ['lab', 'bridge', 'mode', 'address', 'dnsmasq', 'domain', 'leases'],
    bridges.map(({ lab, name, mode, present, addresses, dhcp }) => [
      lab,
      present ? name : `${name} (missing)`,
      mode,
      addresses.join(' ') || '-',
      dhcp?.state ?? '-',
      dhcp?.domain ?? '-',
      dhcp?.leases.length ?? '-',
    ]),
  );

export const leaseTable = (
  leases: readonly { readonly bridge: BridgeStatus; readonly lease: Lease }[],
): string =>
  table(
    ['lab', 'bridge', 'lease', 'MAC', 'name', 'until'],
    leases.map(({ bridge, lease }) => [
      bridge.lab,
      bridge.name,
      lease.address,
      lease.mac,
      lease.name ?? '-',
      lease.expires ?? 'for ever',
    ]),
  );
