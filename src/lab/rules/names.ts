import { HOST } from '../names.js';
import { INDEX_LIKE, RESERVED_TAP } from '../patterns.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { type Fault, type NameKind, nameFault } from './name-fault.js';
import { type AtInner, bridgesOf, innersOf, namespacesOf, nicsOf, vmsOf } from './walk.js';

const LAB: NameKind = { what: 'lab name', extra: '', longest: 32, example: 'homelab' };
const VM: NameKind = { what: 'VM name', extra: '', longest: 63, example: 'web' };
const NAMESPACE: NameKind = { what: 'namespace name', extra: '', longest: 63, example: 'client' };
const INNER: NameKind = { what: 'interface name', extra: '.', longest: 15, example: 'eth1' };
const GROUP: NameKind = { what: 'group name', extra: '', longest: 63, example: 'workers' };
const BRIDGE: NameKind = { what: 'bridge name', extra: '.', longest: 15, example: 'br0' };
const UPLINK: NameKind = { what: 'uplink name', extra: '.', longest: 15, example: 'eth0' };
const TAP: NameKind = { what: 'tap name', extra: '.', longest: 15, example: 'tap-web' };

/** Every name is safe for `ip -batch`, for /proc/sys paths and for XML. */
export function checkNames(lab: LooseLab, report: Report): void {
  if (lab.name !== undefined) tell(report, ['name'], nameFault(lab.name, LAB));
  for (const name of Object.keys(lab.groups ?? {}))
    tell(report, ['groups', name], nameFault(name, GROUP), 'key');
  for (const { name, path } of vmsOf(lab)) tell(report, path, nameFault(name, VM), 'key');
  for (const { name, bridge, path } of bridgesOf(lab)) {
    tell(report, path, interfaceFault(name, BRIDGE), 'key');
    if (bridge.uplink !== undefined) tell(report, [...path, 'uplink'], interfaceFault(bridge.uplink, UPLINK));
  }
  for (const { name, path } of namespacesOf(lab))
    tell(report, path, nameFault(name, NAMESPACE) ?? namespaceFault(lab, name), 'key');
  for (const inner of innersOf(lab)) checkInner(inner, report);
  for (const { nic, path } of nicsOf(lab)) {
    if (nic.tap !== undefined)
      tell(report, [...path, 'tap'], interfaceFault(nic.tap, TAP) ?? tapFault(nic.tap));
  }
}

/** VMs and namespaces share one set of names: their marks and what `vmnet exec` and `vmnet trace` are told. */
function namespaceFault(lab: LooseLab, name: string): Fault | null {
  if (name === HOST)
    return {
      message: `the namespace name "${HOST}" stands for the host itself in "links"`,
      fix: 'choose another name, such as "client"',
    };
  if (!Object.hasOwn(lab.vms ?? {}, name)) return null;
  return { message: `the namespace ${quote(name)} has the name of a VM`, fix: 'rename one of the two' };
}

/** What could not be read at all was reported before; a text that is no end is reported here, as a whole. */
function checkInner({ namespace, name, path }: AtInner, report: Report): void {
  if (!namespace || !name) return;
  const isEnd = path[0] === 'links';
  if (isEnd && namespace !== HOST) tell(report, path, nameFault(namespace, NAMESPACE));
  tell(report, isEnd ? path : [...path, 'name'], interfaceFault(name, INNER) ?? tapFault(name, 'interface'));
}

function tell(report: Report, path: Path, fault: Fault | null, at: 'key' | 'value' = 'value'): void {
  if (fault !== null) report(path, fault.message, fault.fix, at);
}

function interfaceFault(name: string, kind: NameKind): Fault | null {
  const why = reserved(name);
  if (why === null) return nameFault(name, kind);
  return {
    message: `the ${kind.what} ${quote(name)} ${why}`,
    fix: `choose another name, such as ${quote(kind.example)}`,
  };
}

function reserved(name: string): string | null {
  if (name === 'lo') return 'is the loopback interface';
  if (name === 'all' || name === 'default') return 'stands for every interface in /proc/sys/net';
  return INDEX_LIKE.test(name) ? 'would be read as an interface index by ip(8)' : null;
}

function tapFault(name: string, what = 'tap'): Fault | null {
  const prefix = RESERVED_TAP.exec(name)?.[0];
  if (prefix === undefined) return null;
  return {
    message: `the ${what} name ${quote(name)} begins with "${prefix}", which libvirt gives out and removes by itself`,
    fix:
      what === 'tap' ? 'choose another name, or leave "tap" out to have one derived' : 'choose another name',
  };
}
