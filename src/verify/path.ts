import type { Cause, Finding, Scene } from './causes/cause.js';
import { foreignMac, late, notRunning, silent } from './causes/guest.js';
import {
  bridgeForward,
  bridgePrerouting,
  deaf,
  notSwitched,
  notToTap,
  notToUplink,
  tapEgress,
  tapIngress,
  unheard,
  uplinkEgress,
  uplinkIngress,
} from './causes/hops.js';
import { macOnAnotherPort, mtu, tap, uplink } from './causes/links.js';
import { ovsNotSwitched, ovsNotToTap, ovsTap, ovsUnseen, ovsUplink } from './causes/ovs.js';
import { routed, seenByStack, throughNetfilter } from './causes/stack.js';
import { wrongTag } from './causes/vlan.js';
import type { Check } from './model.js';

/** Every way in which a path can be wrong, in the order in which a frame would meet them. */
export const CAUSES: Readonly<Record<string, Cause>> = {
  notRunning,
  tap,
  uplink,
  macOnAnotherPort,
  foreignMac,
  tapIngress,
  unheard,
  deaf,
  silent,
  wrongTag,
  routed,
  bridgePrerouting,
  notSwitched,
  bridgeForward,
  notToUplink,
  uplinkEgress,
  mtu,
  uplinkIngress,
  notToTap,
  tapEgress,
  throughNetfilter,
  seenByStack,
  late,
};

/** The same on a bridge of Open vSwitch, where the capture is what tells. */
export const OVS_CAUSES: Readonly<Record<string, Cause>> = {
  notRunning,
  ovsTap,
  ovsUplink,
  macOnAnotherPort,
  foreignMac,
  ovsUnseen,
  deaf,
  silent,
  wrongTag,
  routed,
  ovsNotSwitched,
  mtu,
  ovsNotToTap,
  seenByStack,
  late,
};

const DIRECT: Finding = { verdict: 'direct', reason: null, hint: null };

/** The verdict on one NIC's path. `direct` is what remains when every way of being wrong has been ruled out. */
export function judgePath(
  scene: Scene,
  causes: Readonly<Record<string, Cause>> = scene.target.ovs ? OVS_CAUSES : CAUSES,
): Check {
  const { target, evidence } = scene;
  const finding = firstOf(Object.values(causes), scene) ?? DIRECT;
  return { name: 'path', vm: target.nic.vm, nic: target.nic.index, ...finding, evidence };
}

function firstOf(causes: readonly Cause[], scene: Scene): Finding | null {
  for (const cause of causes) {
    const finding = cause(scene);
    if (finding) return finding;
  }
  return null;
}
