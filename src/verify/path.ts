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
import { foreignPort, forwardedOut, notTried } from './causes/leak.js';
import { macOnAnotherPort, mtu, tap, uplink } from './causes/links.js';
import { ovsNotSwitched, ovsNotToTap, ovsTap, ovsUnseen, ovsUplink } from './causes/ovs.js';
import { routed, seenByStack, throughNetfilter } from './causes/stack.js';
import { wrongTag } from './causes/vlan.js';
import {
  forwardDrop,
  noGateway,
  noMasquerade,
  notAsked,
  notForwarded,
  notOut,
  notToHost,
  notUp,
  postroutingDrop,
  translated,
} from './causes/way.js';
import type { Intent } from './intent.js';
import type { Check } from './model.js';

/** Ways in which a guest cannot be heard at all, or its frames do not come as far as the bridge switches them. */
const UNTIL_SWITCHED = {
  notRunning,
  tap,
  uplink,
  macOnAnotherPort,
  foreignMac,
  tapIngress,
  unheard,
  deaf,
  silent,
} as const;

/** Every way in which a path can be wrong, in the order in which a frame would meet them, by what is meant. */
export const CAUSES: Readonly<Record<Intent, Readonly<Record<string, Cause>>>> = {
  direct: {
    ...UNTIL_SWITCHED,
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
  },
  routed: {
    ...UNTIL_SWITCHED,
    noGateway,
    notAsked,
    bridgePrerouting,
    notToHost,
    notUp,
    notForwarded,
    forwardDrop,
    postroutingDrop,
    noMasquerade,
    translated,
    notOut,
  },
  // A leak is the worst: it counts even where nothing else can be shown.
  isolated: {
    foreignPort,
    forwardedOut,
    ...UNTIL_SWITCHED,
    notTried,
    bridgePrerouting,
    notSwitched,
    bridgeForward,
  },
};

/** The same on a bridge of Open vSwitch, which is meant to be a plain switch: there the capture is what tells. */
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

/** The verdict on one NIC's path. The intended one is what remains when every way of being wrong has been ruled out. */
export function judgePath(
  scene: Scene,
  causes: Readonly<Record<string, Cause>> = scene.target.ovs ? OVS_CAUSES : CAUSES[scene.target.intent],
): Check {
  const { target, evidence } = scene;
  const intended: Finding = { verdict: target.intent, reason: null, hint: null };
  const finding = firstOf(Object.values(causes), scene) ?? intended;
  return { name: 'path', vm: target.nic.vm, nic: target.nic.index, ...finding, evidence };
}

function firstOf(causes: readonly Cause[], scene: Scene): Finding | null {
  for (const cause of causes) {
    const finding = cause(scene);
    if (finding) return finding;
  }
  return null;
}
