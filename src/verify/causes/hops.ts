import { culprits, portFilters } from '../diagnosis.js';
import { FAMILIES } from '../model.js';
import { blocked, type Cause, type Finding, type Scene, spokeToHost } from './cause.js';

// Causes on the way from tap to uplink, in the order in which a frame meets them.

/** It comes in through the tap, and does not reach the bridge. */
export const tapIngress: Cause = ({ evidence, target, diagnosis }) => {
  if (evidence.bridge.prerouting > 0 || evidence.multicast > 0 || evidence.tap.received === 0) return null;
  if (spokeToHost(evidence)) return null;
  const named = portFilters(diagnosis, target.tap, 'ingress');
  return blocked(
    'tap-ingress-filter',
    `frames come in through ${target.tap}, but none reaches ${target.bridge}: ${named || 'look at tc filters and nft netdev chains on the tap'}`,
  );
};

/** The guest is asked and never hears it: so its silence says nothing of it. */
export const unheard: Cause = scene => {
  const { bridge, passed, toGuest } = scene.evidence;
  const sum = (of: 'entered' | 'switched') => FAMILIES.reduce((total, name) => total + toGuest[name][of], 0);
  if (bridge.prerouting > 0 || passed.toTap > 0 || sum('entered') === 0) return null;
  const early = culprits(scene.diagnosis, ['bridge'], 'prerouting') !== '';
  return inBridge(scene, sum('switched') > 0 ? 'postrouting' : early ? 'prerouting' : 'forward', false);
};

/** A chain of the bridge's entrance drops it. */
export const bridgePrerouting: Cause = scene => {
  const { bridge, passed } = scene.evidence;
  if (passed.prerouting > 0 || bridge.prerouting === 0) return null;
  return inBridge(scene, 'prerouting', scene.evidence.hostStack.prerouting > 0);
};

/** The bridge has nowhere to send it. */
export const notSwitched: Cause = scene => {
  if (scene.evidence.bridge.forward > 0) return null;
  return separated(scene) ?? notFlooded(scene) ?? nowhere(scene);
};

/** A chain at the bridge's switching drops it: the bridge's own, or, through br_netfilter, the host's. */
export const bridgeForward: Cause = scene => {
  const { passed, families, toGuest, hostStack, inbound } = scene.evidence;
  const lost = [families, toGuest, ...(inbound ? [inbound.families] : [])].flatMap(way =>
    FAMILIES.filter(name => way[name].entered > 0 && way[name].switched === 0),
  );
  if (passed.forward > 0 && lost.length === 0) return null;
  const stackSaw = hostStack.forward > 0 || (inbound?.hostStack.forward ?? 0) > 0;
  return inBridge(scene, 'forward', stackSaw || lost.length > 0);
};

/** It is switched, but not to the uplink. */
export const notToUplink: Cause = scene => {
  if (scene.target.uplink === null || scene.evidence.passed.toUplink > 0) return null;
  return separated(scene) ?? notFlooded(scene) ?? inBridge(scene, 'postrouting', false);
};

/** It is handed to the uplink, and does not leave: netdev chains are met first, then tc. */
export const uplinkEgress: Cause = ({ evidence, target, diagnosis }) => {
  const { uplink } = evidence;
  if (uplink === null || target.uplink === null || (uplink.egress > 0 && uplink.captured !== 0)) return null;
  const named = portFilters(diagnosis, target.uplink, 'egress');
  return blocked(
    'uplink-egress-filter',
    `frames are handed to ${target.uplink}, but none leaves: ${named || `look at nft netdev chains, tc filters and qdiscs of ${target.uplink}`}`,
  );
};

/** LAN → guest: what comes in at the uplink does not reach the bridge. */
export const uplinkIngress: Cause = ({ evidence, target, diagnosis }) => {
  const { inbound } = evidence;
  if (inbound === null || target.uplink === null || (inbound.ingress > 0 && inbound.prerouting > 0))
    return null;
  const named = portFilters(diagnosis, target.uplink, 'ingress');
  return blocked(
    'uplink-ingress-filter',
    `frames for the guest that come in at ${target.uplink} do not reach ${target.bridge}: ${named || `look at nft netdev chains and tc filters of ${target.uplink}`}`,
  );
};

/** LAN → guest: they reach the bridge, and not the tap. */
export const notToTap: Cause = scene => {
  const { inbound } = scene.evidence;
  if (inbound === null || inbound.toTap > 0) return null;
  return separated(scene) ?? inBridge(scene, 'forward', inbound.hostStack.forward > 0);
};

/** Nothing of ours gets out to a guest that says nothing: no wonder. */
export const deaf: Cause = scene => {
  const { passed, heard, bridge } = scene.evidence;
  return bridge.prerouting === 0 && passed.toTap > 0 && heard === false ? atTapEgress(scene) : null;
};

/** LAN → guest: they are handed to the tap, and do not get through. */
export const tapEgress: Cause = scene => (scene.evidence.inbound?.captured === 0 ? atTapEgress(scene) : null);

const atTapEgress = ({ target, diagnosis }: Scene): Finding =>
  blocked(
    'tap-egress-filter',
    `frames for the guest are handed to ${target.tap}, but do not get through: ${portFilters(diagnosis, target.tap, 'egress') || 'look at nft netdev chains and tc filters of the tap'}`,
  );

/** Families whose chains br_netfilter runs. */
const STACK = ['ip', 'ip6', 'inet', 'arp'] as const;

function inBridge({ target, diagnosis }: Scene, hook: string, stackSaw: boolean): Finding {
  const foreign = stackSaw ? culprits(diagnosis, STACK, hook) : '';
  if (foreign) {
    const chain = /DOCKER/.test(foreign) ? 'DOCKER-USER' : 'FORWARD';
    return blocked(
      hook === 'forward' ? 'forward-drop' : 'host-filter',
      `br_netfilter hands bridged frames to the host's firewall, which drops them: ${foreign}. Set "bridgeNetfilter": "off" for ${target.bridge}, or let them pass there: iptables -I ${chain} -i ${target.bridge} -o ${target.bridge} -j ACCEPT`,
    );
  }
  return blocked(
    'bridge-filter',
    `${target.bridge} drops the guest's frames: ${culprits(diagnosis, ['bridge'], hook) || `look at nft bridge chains and ebtables rules at ${hook}`}`,
  );
}

function separated({ settings, target }: Scene): Finding | null {
  const isolated = (port: string | null) => settings.ports.get(port ?? '')?.isolated === true;
  if (!isolated(target.tap) || !isolated(target.uplink)) return null;
  return blocked(
    'port-isolated',
    `${target.tap} and ${target.uplink} are both isolated, so nothing passes between them: bridge link set dev ${target.uplink} isolated off`,
  );
}

function notFlooded({ settings, target }: Scene): Finding | null {
  if (target.uplink === null || settings.ports.get(target.uplink)?.flood !== false) return null;
  return blocked(
    'not-flooded',
    `${target.uplink} takes no unicast to MACs that ${target.bridge} has not learned: bridge link set dev ${target.uplink} flood on`,
  );
}

const nowhere = ({ target }: Scene): Finding =>
  blocked(
    'not-forwarded',
    `${target.bridge} does not switch the guest's frames to any port: look at the state and the flags of its ports (bridge -d link)`,
  );
