import type { Drivers } from '../drivers/drivers.js';
import type { OvsDump, OvsRow, OvsValue } from '../drivers/ovs.js';
import type { Lab, Vlan } from '../lab/model.js';
import type { OvsBridge, OvsPort, OvsState } from './model.js';

/**
 * Open vSwitch as far as labs have to do with it: one process where its database is there, none where it is not and
 * no lab wants it.
 */
export async function observeOvs(lab: Lab | null, { ovs }: Drivers): Promise<OvsState | null> {
  const wanted = lab?.bridges.filter(({ type }) => type === 'ovs') ?? [];
  const there = await ovs.isThere();
  if (!there && wanted.length === 0) return null;
  const bridges = there ? bridgesIn(await ovs.dump()) : [];
  const missing = wanted.some(({ name }) => !bridges.some(bridge => bridge.name === name));
  return {
    bridges,
    trouble: wanted.length > 0 ? await ovs.trouble() : null,
    kernelDatapath: missing && there ? await ovs.hasKernelDatapath() : null,
  };
}

export const MARK = 'vmnet-lab';

/** On ports by which a proof listens. */
export const PROOF = 'vmnet-proof';

export function bridgesIn({ bridges, ports, interfaces }: OvsDump): OvsBridge[] {
  const rows = (list: readonly OvsRow[]) =>
    new Map(list.map((row): [string, OvsRow] => [String(row._uuid), row]));
  const [portRows, interfaceRows] = [rows(ports), rows(interfaces)];
  return bridges.map(bridge => ({
    name: String(bridge.name),
    lab: mapOf(bridge.external_ids)[MARK] ?? null,
    datapath: bridge.datapath_type === 'netdev' ? 'netdev' : 'system',
    mac: mapOf(bridge.other_config).hwaddr ?? null,
    stp: bridge.stp_enable === true,
    multicastSnooping: bridge.mcast_snooping_enable === true,
    ports: listOf(bridge.ports)
      .map(uuid => portRows.get(String(uuid)))
      .filter(port => port !== undefined)
      .map(port => portOf(port, interfaceRows.get(String(listOf(port.interfaces)[0]))))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  }));
}

const portOf = (port: OvsRow, first: OvsRow | undefined): OvsPort => ({
  name: String(port.name),
  lab: mapOf(port.external_ids)[MARK] ?? null,
  vlan: vlanOf(port),
  ...(PROOF in mapOf(port.external_ids) ? { proof: true as const } : {}),
  ofport: numberOf(first?.ofport),
  mtu: numberOf(first?.mtu_request),
  error: listOf(first?.error).map(String)[0] ?? null,
});

/** vswitchd.conf.db(5): without a mode, a tag makes an access port, and no tag a trunk; of all VLANs where none is named. */
export function vlanOf(port: OvsRow): OvsPort['vlan'] {
  const tag = numberOf(port.tag);
  const mode = listOf(port.vlan_mode).map(String)[0] ?? (tag === null ? 'trunk' : 'access');
  const trunk = listOf(port.trunks)
    .map(Number)
    .sort((a, b) => a - b);
  if (mode === 'access' && tag !== null) return { access: tag };
  if (mode === 'trunk') return trunk.length === 0 ? null : { trunk, native: null };
  if (mode === 'native-untagged' && tag !== null)
    return { trunk: trunk.filter(vid => vid !== tag), native: tag } satisfies Vlan;
  return { mode };
}

type Atom = string | number | boolean;

const isList = (value: OvsValue): value is readonly Atom[] => Array.isArray(value);

/** A set of one is written as its only member. */
function listOf(value: OvsValue | undefined): readonly Atom[] {
  if (value === undefined) return [];
  if (isList(value)) return value;
  return typeof value === 'object' ? [] : [value];
}

const numberOf = (value: OvsValue | undefined): number | null => {
  const [first] = listOf(value);
  return typeof first === 'number' ? first : null;
};

const mapOf = (value: OvsValue | undefined): Readonly<Record<string, string>> =>
  typeof value === 'object' && !isList(value) ? value : {};
