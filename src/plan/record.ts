import type { HostState, LabRecord, UplinkBefore } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { bridgeName, linkNamed, takenUplink } from './links.js';
import { currentRecords, netfilterBefore } from './netfilter.js';
import { isOvsPort } from './ovs-state.js';
import { uplinkBefore } from './uplink.js';

/** The record to keep: what earlier runs found goes on being what destroy restores. */
export function recordOf(
  lab: Lab,
  host: HostState,
  networkOnly: boolean,
  forwarding: LabRecord['forwarding'],
): LabRecord {
  const former = currentRecord(lab.name, host);
  const uplinks: [string, UplinkBefore][] = lab.bridges.flatMap(bridge => {
    const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
    if (!uplink) return [];
    // By name: a bridge that is to be shared does not bear our mark yet.
    const master = linkNamed(host, bridgeName(bridge, host));
    const enslaved =
      bridge.type === 'ovs'
        ? isOvsPort(bridge.name, uplink.name, host)
        : uplink.master !== null && uplink.master === master?.name;
    const now = uplinkBefore(bridge, uplink, host);
    if (!enslaved) return [[uplink.name, now]];
    const before = takenUplink(former, uplink.name);
    // Without our word that we put it there, the port of a permanent bridge was there before.
    if (bridge.permanent) return before ? [[uplink.name, before]] : [];
    // Where the record is lost, what the bridge has is what the uplink had.
    const lost = {
      ...now,
      addrGenMode: now.addrGenMode && (host.sysctls['net/ipv6/conf/default/addr_gen_mode'] ?? '0'),
      moved: bridge.type === 'linux' && (master?.addresses.length ?? 0) > 0,
    };
    // On a shared bridge, another lab may have been the one that took it.
    const known = [former, ...currentRecords(host)].map(record => takenUplink(record, uplink.name));
    return [[uplink.name, known.find(taken => taken !== undefined) ?? lost]];
  });
  return {
    version: 1,
    name: lab.name,
    lab,
    // Unlike links, domains outlive a boot: what an older record says of them still holds.
    networkOnly: networkOnly && (host.records.find(({ name }) => name === lab.name)?.networkOnly ?? true),
    ...(host.libvirtUser ? { libvirtUser: { uri: host.libvirtUser.uri, uid: host.libvirtUser.uid } } : {}),
    bootId: host.bootId,
    netns: host.netns,
    uplinks: Object.fromEntries(uplinks),
    ...(madeFolder(lab, host, former) ? { namespaceFolder: 'made' as const } : {}),
    bridgeNetfilter: lab.bridges.some(bridge => bridge.bridgeNetfilter === 'off')
      ? netfilterBefore(lab.name, host)
      : null,
    forwarding,
  };
}

/** Did this lab, or another that is up, find no folder of namespaces' names? */
function madeFolder(lab: Lab, host: HostState, former: LabRecord | undefined): boolean {
  if (former?.namespaceFolder === 'made') return true;
  if (lab.namespaces.length === 0) return false;
  return (
    host.namespaceFolder === false || currentRecords(host).some(record => record.namespaceFolder === 'made')
  );
}

/** A lab's record, unless it is of another boot or network namespace. */
export const currentRecord = (lab: string, host: HostState): LabRecord | undefined =>
  currentRecords(host).find(record => record.name === lab);
