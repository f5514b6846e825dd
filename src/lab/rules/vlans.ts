import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { NATIVE, subInterfaceOf } from '../vlans.js';
import {
  type AtNic,
  bridgesOf,
  innerNicsOf,
  type LooseBridge,
  type LooseNic,
  nicSetting,
  nicsOf,
} from './walk.js';

type LooseVlan = NonNullable<LooseNic['vlan'] | LooseBridge['uplinkVlan']>;

/** VLANs that fit together, on bridges that know them. */
export function checkVlans(lab: LooseLab, report: Report): void {
  for (const at of nicsOf(lab)) {
    const who = `VM ${quote(at.vm)}, NIC ${at.index}`;
    const { vlan, bridge } = at.nic;
    if (checkPort(lab, { vlan, bridge, who, path: at.path }, report)) checkRuled(lab, at, who, report);
  }
  for (const { vlan, at, who, path } of innerNicsOf(lab))
    checkPort(lab, { vlan, bridge: 'bridge' in at ? at.bridge : '', who, path }, report);
  for (const { name, bridge, path } of bridgesOf(lab)) checkBridge(name, bridge, path, report);
}

interface AtPort {
  readonly vlan: LooseVlan | undefined;
  readonly bridge: string | undefined;
  /** For people. */
  readonly who: string;
  /** Of the NIC. */
  readonly path: Path;
}

/** A NIC's VLANs, and those of its bridge. Says whether both are there. */
function checkPort(lab: LooseLab, port: AtPort, report: Report): boolean {
  const { vlan, who } = port;
  if (vlan === undefined) return false;
  const path = [...port.path, 'vlan'];
  checkVlan(vlan, who, path, report);
  const name = port.bridge ?? '';
  const bridge = lab.bridges?.[name];
  if (bridge === undefined) return false;
  if (knows(bridge)) checkWayOut({ name, bridge, vlan }, who, path, report);
  else
    report(
      path,
      `${who} has a VLAN, but the bridge ${quote(name)} does not keep VLANs apart`,
      `set "vlanFiltering": true for ${quote(name)}, or take "vlan" out`,
    );
  return true;
}

/** Rules on ports drop what bears a tag, since it would hide what is in the frame. */
function checkRuled(lab: LooseLab, at: AtNic, who: string, report: Report): void {
  if (!at.nic.vlan || !('trunk' in at.nic.vlan)) return;
  const antiSpoof = nicSetting(lab, at, 'antiSpoof');
  const guard = nicSetting(lab, at, 'guard');
  const key =
    antiSpoof.value !== undefined && antiSpoof.value !== 'off'
      ? 'antiSpoof'
      : (guard.value ?? []).length > 0
        ? 'guard'
        : null;
  if (key === null) return;
  report(
    [...at.path, 'vlan', 'trunk'],
    `${who} carries VLANs with tags, but its ${quote(key)} drops every frame with a tag`,
    `set ${quote(key)} of the NIC to ${key === 'guard' ? '[]' : '"off"'}, or give the guest a NIC for each VLAN: "vlan": { "access": 10 }`,
  );
}

/** Where the host is the way out, guests have to be in its VLAN. */
function checkWayOut(
  { name, bridge, vlan }: { readonly name: string; readonly bridge: LooseBridge; readonly vlan: LooseVlan },
  who: string,
  path: Path,
  report: Report,
): void {
  if (bridge.type === 'ovs' || (bridge.mode !== 'nat' && bridge.mode !== 'routed')) return;
  if (vlan.access === NATIVE || ('trunk' in vlan && vlan.native === NATIVE)) return;
  report(
    path,
    `${who} is in another VLAN than the host, which is the way out of ${quote(name)} ("mode": "${bridge.mode}") and is in VLAN ${NATIVE}`,
    'take "vlan" out, or give each VLAN a bridge of its own',
  );
}

/** The host's own addresses are in the VLAN of the uplink's frames without a tag. */
function checkHost(name: string, bridge: LooseBridge, path: Path, report: Report): void {
  const { uplinkVlan: vlan, address = 'inherit', type } = bridge;
  if (type === 'ovs' || address !== 'inherit' || !vlan || !('trunk' in vlan) || 'native' in vlan) return;
  report(
    [...path, 'uplinkVlan'],
    `the addresses of the uplink move to the bridge ${quote(name)}, and would be cut off: the trunk takes no frames without a tag`,
    'name the VLAN of the host as "native", or set "address": "none"',
  );
}

const knows = (bridge: LooseBridge) => bridge.type === 'ovs' || bridge.vlanFiltering === true;

function checkVlan(vlan: LooseVlan, who: string, path: Path, report: Report): void {
  const { access, trunk, native } = vlan;
  if ('access' in vlan && 'trunk' in vlan)
    report(
      [...path, 'trunk'],
      `${who} has both an access VLAN and a trunk`,
      'keep one: "access" for frames without tags, "trunk" for frames with their tags',
    );
  if (!('access' in vlan) && !('trunk' in vlan) && !('native' in vlan))
    report(path, `${who} names no VLAN`, 'write { "access": 10 }, or { "trunk": [10, 20] }');
  if ('native' in vlan && !('trunk' in vlan))
    report(
      [...path, 'native'],
      `${who} has a native VLAN without a trunk`,
      `write ${native === undefined || access !== undefined ? '"access" alone' : `{ "access": ${native} }`}, or add "trunk"`,
    );
  const seen = new Set<number>();
  for (const [i, vid] of (trunk ?? []).entries()) {
    if (vid === undefined) continue;
    if (seen.has(vid))
      report([...path, 'trunk', i], `${who} names VLAN ${vid} twice`, 'take one of them out');
    seen.add(vid);
  }
}

function checkBridge(name: string, bridge: LooseBridge, path: Path, report: Report): void {
  const who = `the uplink of bridge ${quote(name)}`;
  const sub = bridge.uplink === undefined ? null : subInterfaceOf(bridge.uplink);
  if (sub !== null && bridge.vlanFiltering === true)
    report(
      [...path, 'uplink'],
      `${quote(bridge.uplink ?? '')} is VLAN ${sub.vid} of ${sub.parent} alone, and the bridge ${quote(name)} would put tags of its own into it`,
      `name ${quote(sub.parent)} as the uplink and give the NICs "vlan": { "access": ${sub.vid} }, or take "vlanFiltering" out`,
    );
  if (bridge.permanent === true && bridge.vlanFiltering !== undefined)
    report(
      [...path, 'vlanFiltering'],
      `the bridge ${quote(name)} is permanent, so it keeps its own VLANs`,
      'take "vlanFiltering" out, or "permanent" for a bridge that vmnet makes',
    );
  if (bridge.uplinkVlan === undefined) return;
  checkHost(name, bridge, path, report);
  checkVlan(bridge.uplinkVlan, who, [...path, 'uplinkVlan'], report);
  if (bridge.uplink === undefined)
    report(
      [...path, 'uplinkVlan'],
      `the bridge ${quote(name)} has no uplink that could carry VLANs`,
      'name its "uplink", or take "uplinkVlan" out',
    );
  else if (!knows(bridge))
    report(
      [...path, 'uplinkVlan'],
      `the bridge ${quote(name)} does not keep VLANs apart`,
      'set "vlanFiltering": true, or take "uplinkVlan" out',
    );
}
