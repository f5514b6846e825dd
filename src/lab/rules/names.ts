import { INDEX_LIKE, RESERVED_TAP } from '../patterns.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { type Fault, type NameKind, nameFault } from './name-fault.js';
import { bridgesOf, nicsOf, tunsOf, vmsOf } from './walk.js';

const LAB: NameKind = { what: 'lab name', extra: '', longest: 32, example: 'homelab' };
const VM: NameKind = { what: 'VM name', extra: '', longest: 63, example: 'web' };
const GROUP: NameKind = { what: 'group name', extra: '', longest: 63, example: 'workers' };
const BRIDGE: NameKind = { what: 'bridge name', extra: '.', longest: 15, example: 'br0' };
export const UPLINK: NameKind = { what: 'uplink name', extra: '.', longest: 15, example: 'eth0' };
const TUN: NameKind = { what: 'tun name', extra: '.', longest: 15, example: 'vpn0' };
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
  for (const { name, path } of tunsOf(lab))
    tell(report, path, interfaceFault(name, TUN) ?? tapFault(name, 'tun'), 'key');
  for (const { nic, path } of nicsOf(lab)) {
    if (nic.tap !== undefined)
      tell(report, [...path, 'tap'], interfaceFault(nic.tap, TAP) ?? tapFault(nic.tap));
  }
}

function tell(report: Report, path: Path, fault: Fault | null, at: 'key' | 'value' = 'value'): void {
  if (fault !== null) report(path, fault.message, fault.fix, at);
}

export function interfaceFault(name: string, kind: NameKind): Fault | null {
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

function tapFault(name: string, what: 'tap' | 'tun' = 'tap'): Fault | null {
  const prefix = RESERVED_TAP.exec(name)?.[0];
  if (prefix === undefined) return null;
  return {
    message: `the ${what} name ${quote(name)} begins with "${prefix}", which libvirt gives out and removes by itself`,
    fix:
      what === 'tun' ? 'choose another name' : 'choose another name, or leave "tap" out to have one derived',
  };
}
