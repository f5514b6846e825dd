import type { OvsBridge, OvsPort } from '../host/model.js';
import type { Bridge, Lab, Vlan } from '../lab/model.js';
import { portVlan, untaggedOf, uplinkVlanOf, usesVlans } from '../lab/vlans.js';

// What is said to ovs-vsctl(8). Every command is harmless where it took effect already.

export type Command = readonly string[];

export const uplinkVlan = (bridge: Bridge, lab: Lab): Vlan | null =>
  usesVlans(bridge, lab) ? uplinkVlanOf(bridge, lab) : null;

/** Those of the host itself, by the bridge's own port: where the uplink's frames without a tag are. */
export function ownVlan(bridge: Bridge, lab: Lab): Vlan | null {
  if (!usesVlans(bridge, lab)) return null;
  const native = bridge.uplink === null ? null : untaggedOf(uplinkVlanOf(bridge, lab));
  return native === null ? portVlan({ vlan: null }) : { access: native };
}

/** Columns of a port that say its VLANs, the others emptied. */
export function vlanColumns(vlan: OvsPort['vlan']): string[] {
  const columns = (tag: number | null, trunks: readonly number[], mode: string | null) => [
    `tag=${tag ?? '[]'}`,
    `trunks=[${trunks.join(',')}]`,
    `vlan_mode=${mode ?? '[]'}`,
  ];
  if (vlan === null) return columns(null, [], null);
  if ('mode' in vlan) return columns(null, [], vlan.mode);
  if ('access' in vlan) return columns(vlan.access, [], 'access');
  if (vlan.native === null) return columns(null, vlan.trunk, 'trunk');
  return columns(
    vlan.native,
    [vlan.native, ...vlan.trunk.filter(vid => vid !== vlan.native)],
    'native-untagged',
  );
}

/** For people. */
export function vlanText(vlan: OvsPort['vlan']): string {
  if (vlan === null) return 'all VLANs';
  if ('mode' in vlan) return `VLANs in the mode ${vlan.mode}`;
  if ('access' in vlan) return `VLAN ${vlan.access}`;
  const native = vlan.native === null ? 'without a native one' : `native ${vlan.native}`;
  return `a trunk of VLANs ${vlan.trunk.join(', ') || 'none'}, ${native}`;
}

export const isSameVlan = (a: OvsPort['vlan'], b: OvsPort['vlan']) =>
  vlanColumns(a).join() === vlanColumns(b).join();

export const setPort = (name: string, columns: readonly string[]): Command => [
  '--if-exists',
  'set',
  'Port',
  name,
  ...columns,
];

export const setBridge = (name: string, columns: readonly string[]): Command => [
  '--if-exists',
  'set',
  'Bridge',
  name,
  ...columns,
];

export const setInterface = (name: string, columns: readonly string[]): Command => [
  '--if-exists',
  'set',
  'Interface',
  name,
  ...columns,
];

export const addPort = (bridge: string, name: string, columns: readonly string[]): Command[] => [
  ['--may-exist', 'add-port', bridge, name],
  ...(columns.length > 0 ? [setPort(name, columns)] : []),
];

export const delPort = (bridge: string, name: string): Command => ['--if-exists', 'del-port', bridge, name];

/** Our mark, on bridges and on uplinks; names hold nothing that would have to be escaped. */
export const markColumn = (lab: string) => `external_ids:vmnet-lab="${lab}"`;

interface Settings extends Pick<OvsBridge, 'name' | 'datapath' | 'stp'> {
  readonly mac: string | null;
  readonly multicastSnooping: boolean | null;
}

/** Make a bridge, marked in the same transaction. */
export const addBridge = ({ name, datapath, mac, ...bridge }: Settings, lab: string): Command[] => [
  ['--may-exist', 'add-br', name],
  setBridge(name, [
    `datapath_type=${datapath}`,
    markColumn(lab),
    ...(mac === null ? [] : [`other_config:hwaddr="${mac}"`]),
    `stp_enable=${bridge.stp}`,
    ...(bridge.multicastSnooping === null ? [] : [`mcast_snooping_enable=${bridge.multicastSnooping}`]),
  ]),
];
