import { parseCidr } from '../cidr.js';
import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import {
  type AtInner,
  type AtNic,
  bridgesOf,
  innersOf,
  type LooseBridge,
  nicSetting,
  nicsOf,
  type Setting,
  textsAt,
} from './walk.js';

/** RFC 8200: the kernel refuses an IPv6 address on a link with less. */
const LEAST_IPV6_MTU = 1280;

/** Values that only fit, or do not fit, together. */
export function checkLimits(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab)) {
    checkForwardDelay(name, bridge, [...path, 'forwardDelay'], report);
    checkIpv6Mtu(bridge.address, bridge.mtu, [...path, 'mtu'], `bridge ${quote(name)}`, report);
  }
  for (const at of nicsOf(lab)) {
    checkQueues(lab, at, report);
    checkNicMtu(lab, at, report);
  }
  for (const at of innersOf(lab)) checkInnerMtu(lab, at, report);
}

/** br_set_forward_delay() wants 2 to 30 s with STP and takes anything without. */
function checkForwardDelay(
  name: string,
  bridge: LooseBridge,
  path: (string | number)[],
  report: Report,
): void {
  if (bridge.stp !== true || bridge.forwardDelay === undefined || bridge.forwardDelay >= 2) return;
  const message = `the bridge ${quote(name)} has stp, for which the kernel wants a forwardDelay of 2 to 30 seconds`;
  report(path, message, 'raise it, leave it out for 15, or set "stp" to false');
}

function checkQueues(lab: LooseLab, at: AtNic, report: Report): void {
  const queues = nicSetting(lab, at, 'queues');
  const model = nicSetting(lab, at, 'model').value ?? 'virtio';
  if (queues.value === undefined || queues.value === 1 || model === 'virtio') return;
  const message = `VM ${quote(at.vm)}, NIC ${at.index} has ${queues.value} queues, but the model ${model} has one`;
  report(queues.path, message, 'set "queues" to 1, or "model" to "virtio"');
}

function checkNicMtu(lab: LooseLab, at: AtNic, report: Report): void {
  const who = `VM ${quote(at.vm)}, NIC ${at.index}`;
  checkMtuOnBridge(lab, who, nicSetting(lab, at, 'mtu'), at.nic.bridge ?? '', at.nic.address, report);
}

function checkInnerMtu(lab: LooseLab, { who, at, mtu, address, path }: AtInner, report: Report): void {
  if ('bridge' in at)
    checkMtuOnBridge(lab, who, { value: mtu, path: [...path, 'mtu'] }, at.bridge ?? '', address, report);
  else checkIpv6Mtu(address, mtu, ['links', at.link, 'mtu'], who, report);
}

function checkMtuOnBridge(
  lab: LooseLab,
  who: string,
  own: Setting<number | undefined>,
  name: string,
  address: AtInner['address'],
  report: Report,
): void {
  const bridge = lab.bridges?.[name];
  const most = bridge === undefined ? undefined : bridgeMtu(bridge);
  if (own.value !== undefined && most !== undefined && own.value > most) {
    const message = `${who} has the MTU ${own.value}, more than the ${most} of bridge ${quote(name)}`;
    report(own.path, message, `write at most ${most}, or raise the "mtu" of the bridge`);
  }
  // Blamed where the small number stands: on the NIC or its defaults, else the bridge.
  const mtu = own.value ?? bridge?.mtu;
  const path = own.value === undefined ? ['bridges', name, 'mtu'] : own.path;
  checkIpv6Mtu(address, mtu, path, who, report);
}

/** With an uplink it is the uplink's, and a permanent bridge has its own: only the host knows. */
const bridgeMtu = (bridge: LooseBridge) =>
  'mtu' in bridge ? bridge.mtu : 'uplink' in bridge || bridge.permanent === true ? undefined : 1500;

function checkIpv6Mtu(
  addresses: string | (string | undefined)[] | undefined,
  mtu: number | undefined,
  path: readonly (string | number)[],
  who: string,
  report: Report,
): void {
  if (mtu === undefined || mtu >= LEAST_IPV6_MTU) return;
  if (!textsAt(addresses, []).some(({ text }) => parseCidr(text)?.family === 6)) return;
  report(
    path,
    `${who} has an IPv6 address, and an MTU of only ${mtu}`,
    `write at least ${LEAST_IPV6_MTU}, or take the address out`,
  );
}
