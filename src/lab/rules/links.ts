import {
  bridgeAltname,
  endAltname,
  HOST,
  namespaceAltname,
  nicAltname,
  subInterfaceAltname,
} from '../names.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { didYouMean } from '../suggest.js';
import { subInterfaceOf } from '../vlans.js';
import { bridgesOf, endsOf, innerNicsOf, namespacesOf, nicsOf, tunsOf } from './walk.js';

/** Interfaces share one set of names on the host: what is in use, and by whom. */
type InUse = Map<string, string>;

/** Which link is what: every interface name has one role, and every NIC a bridge. */
export function checkLinks(lab: LooseLab, report: Report): void {
  const inUse: InUse = new Map(bridgesOf(lab).map(({ name }) => [name, 'the name of a bridge']));
  checkUplinks(lab, inUse, report);
  checkTunNames(lab, inUse, report);
  checkTaps(lab, inUse, report);
  checkAltnames(lab, inUse, report);
  checkBridgeOfNics(lab, report);
  checkSomeNetwork(lab, report);
}

/** A lab is about a network: a bridge, or links. */
function checkSomeNetwork(lab: LooseLab, report: Report): void {
  if (bridgesOf(lab).length > 0 || (lab.links ?? []).length > 0 || tunsOf(lab).length > 0) return;
  if (nicsOf(lab).some(({ nic }) => nic.type === 'macvtap')) return;
  const fix = 'add one: "bridges": { "br0": { "uplink": "eth0" } }';
  if (!('bridges' in lab))
    report(['bridges'], '"bridges" is missing, and the lab has no "links" either', fix);
  else if (lab.bridges !== undefined) report(['bridges'], 'the lab has no bridge', fix);
}

function checkUplinks(lab: LooseLab, inUse: InUse, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab)) {
    if (bridge.uplink === undefined) continue;
    const role = bridge.uplink === name ? 'the name of this bridge itself' : inUse.get(bridge.uplink);
    const fix = 'name a physical interface of the host that no other bridge uses; "ip link" lists them';
    if (role !== undefined)
      report([...path, 'uplink'], `the uplink ${quote(bridge.uplink)} is also ${role}`, fix);
    inUse.set(bridge.uplink, `the uplink of bridge ${quote(name)}`);
  }
}

function checkTunNames(lab: LooseLab, inUse: InUse, report: Report): void {
  for (const { name, path } of tunsOf(lab)) {
    claim(inUse, name, `the name of a tun`, role =>
      report(path, `the tun ${quote(name)} is also ${role}`, 'choose another name', 'key'),
    );
  }
}

function checkTaps(lab: LooseLab, inUse: InUse, report: Report): void {
  for (const { vm, index, nic, path } of nicsOf(lab)) {
    if (nic.tap === undefined) continue;
    claim(inUse, nic.tap, `the tap of VM ${quote(vm)}, NIC ${index}`, role =>
      report(
        [...path, 'tap'],
        `the tap ${quote(nic.tap ?? '')} is also ${role}`,
        'choose another name, or leave "tap" out to have one derived',
      ),
    );
  }
}

/** A bridge may have dots in its name, so its mark could be that of a NIC, or the name of another link. */
function checkAltnames(lab: LooseLab, inUse: InUse, report: Report): void {
  if (lab.name === undefined) return;
  for (const { bridge, path } of bridgesOf(lab)) {
    const { uplink } = bridge;
    if (uplink === undefined || subInterfaceOf(uplink) === null) continue;
    const altname = subInterfaceAltname(lab.name, uplink);
    claimAltname(inUse, altname, `the mark of the uplink ${quote(uplink)}`, path, report);
  }
  for (const { namespace, name, who, path } of endsOf(lab)) {
    if (namespace === undefined || name === undefined) continue;
    // Elsewhere it is in nobody's way but that namespace's.
    if (namespace === HOST)
      claim(inUse, name, who, role =>
        report(path, `the interface ${quote(name)} of the host is also ${role}`, 'choose another name'),
      );
    claimAltname(inUse, endAltname(lab.name, namespace, name), `the mark of ${who}`, path, report);
  }
  for (const { name, path } of namespacesOf(lab))
    claimAltname(
      inUse,
      namespaceAltname(lab.name, name),
      `the mark of namespace ${quote(name)}`,
      path,
      report,
    );
  for (const { name, namespace, path } of namespacesOf(lab))
    for (const index of (namespace.nics ?? []).keys())
      claimAltname(
        inUse,
        nicAltname(lab.name, name, index),
        `the mark of namespace ${quote(name)}, NIC ${index}`,
        [...path, 'nics', index],
        report,
      );
  for (const { name, path } of bridgesOf(lab)) {
    claimAltname(inUse, bridgeAltname(lab.name, name), `the mark of bridge ${quote(name)}`, path, report);
  }
  for (const { name, path } of tunsOf(lab))
    claimAltname(inUse, bridgeAltname(lab.name, name), `the mark of tun ${quote(name)}`, path, report);
  for (const { vm, index, path } of nicsOf(lab)) {
    claimAltname(
      inUse,
      nicAltname(lab.name, vm, index),
      `the mark of VM ${quote(vm)}, NIC ${index}`,
      path,
      report,
    );
  }
}

function claimAltname(inUse: InUse, altname: string, role: string, path: Path, report: Report): void {
  claim(inUse, altname, role, other =>
    report(path, `${quote(altname)} would be ${role}, but is also ${other}`, 'rename one of the two'),
  );
}

function claim(inUse: InUse, name: string, role: string, taken: (role: string) => void): void {
  const other = inUse.get(name);
  if (other === undefined) inUse.set(name, role);
  else taken(other);
}

function checkBridgeOfNics(lab: LooseLab, report: Report): void {
  if ('bridges' in lab && lab.bridges === undefined) return;
  const names = new Set(bridgesOf(lab).map(({ name }) => name));
  const guests = nicsOf(lab).map(({ nic, path }) => ({ bridge: nic.bridge, path }));
  const inner = innerNicsOf(lab).map(({ at, path }) => ({ bridge: 'bridge' in at ? at.bridge : '', path }));
  for (const { bridge, path } of [...guests, ...inner]) {
    if (bridge === undefined || names.has(bridge)) continue;
    report(
      [...path, 'bridge'],
      `the lab has no bridge ${quote(bridge)}`,
      didYouMean(bridge, [...names], 'add it to "bridges", or use one of:'),
    );
  }
}
