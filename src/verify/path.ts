import type { HostState, Link } from '../host/model.js';
import type { Check, PathEvidence } from './model.js';
import type { Target } from './targets.js';

/** What the proof has to know about the host to name a cause. */
export interface PathFacts {
  readonly host: HostState;
  /** Is the guest's domain running? null where that is not known. */
  readonly alive: boolean | null;
}

type Finding = Pick<Check, 'verdict' | 'reason' | 'hint'>;

/** The verdict on one NIC's path. `direct` is what remains when every way of being wrong has been ruled out. */
export function judgePath(target: Target, evidence: PathEvidence, facts: PathFacts): Check {
  const finding =
    deadGuest(target, facts) ??
    blocked(target, evidence, facts) ??
    silent(evidence) ??
    detour(evidence, facts) ??
    DIRECT;
  return { name: 'path', vm: target.nic.vm, nic: target.nic.index, ...finding, evidence };
}

const DIRECT: Finding = { verdict: 'direct', reason: null, hint: null };

function deadGuest(target: Target, { alive }: PathFacts): Finding | null {
  if (alive !== false) return null;
  return {
    verdict: 'unproven',
    reason: 'guest-not-running',
    hint: `start ${target.nic.vm}: vmnet provision`,
  };
}

function blocked(target: Target, evidence: PathEvidence, { host }: PathFacts): Finding | null {
  const found = (reason: string, hint: string): Finding => ({ verdict: 'blocked', reason, hint });
  const tap = linkOf(host, target.tap);
  const port = portTrouble(tap, target.tap, target.bridge, 'the lab');
  if (port) return found(`tap-${port.reason}`, port.hint);
  const uplink =
    target.uplink === null
      ? null
      : portTrouble(linkOf(host, target.uplink), target.uplink, target.bridge, 'its cable and switch port');
  if (uplink) return found(`uplink-${uplink.reason}`, uplink.hint);
  if (evidence.fdb && evidence.fdb.port !== target.tap) {
    return found(
      'mac-on-another-port',
      `the bridge has learned ${target.nic.mac} on ${evidence.fdb.port}: does another guest use the same MAC?`,
    );
  }
  if (evidence.bridge.prerouting === 0) {
    if (evidence.bridge.forward === 0 && evidence.tap.received === 0) return null;
    return found(
      'dropped-at-tap',
      `frames come in through ${target.tap}, but none from ${target.nic.mac} reaches ${target.bridge}: look at tc filters and nft netdev chains on the tap, and at the guest's MAC`,
    );
  }
  if (evidence.bridge.forward === 0) {
    return found(
      'not-forwarded',
      `${target.bridge} does not switch the guest's frames: look at nft bridge chains (prerouting) and ebtables, and at port isolation`,
    );
  }
  if (evidence.uplink?.egress === 0) {
    return found(
      'not-leaving',
      `frames are switched but none leaves ${evidence.uplink.name}: look at nft bridge and netdev chains, ebtables, tc filters, and ${seenByStack(evidence) ? "iptables FORWARD, since the host's netfilter sees the frames" : 'flooding on the uplink port'}`,
    );
  }
  return null;
}

/** Why a link is no working port of its bridge. */
function portTrouble(link: Link | undefined, name: string, bridge: string, where: string) {
  if (!link) return { reason: 'missing', hint: `${name} does not exist; run vmnet provision again` };
  if (link.master !== bridge) {
    const now = link.master === null ? 'it is a port of no bridge' : `it is a port of ${link.master}`;
    return {
      reason: 'not-enslaved',
      hint: `${name} should be a port of ${bridge}, but ${now}; run vmnet provision again`,
    };
  }
  if (!link.up) return { reason: 'down', hint: `${name} is down: ip link set dev ${name} up` };
  if (link.operState === 'DOWN' || link.operState === 'LOWERLAYERDOWN') {
    return {
      reason: 'no-carrier',
      hint: `${name} has no carrier: look at ${where === 'the lab' ? 'the guest' : where}`,
    };
  }
  if (link.portState !== null && link.portState !== 'forwarding') {
    return {
      reason: 'not-forwarding',
      hint: `the bridge port ${name} is ${link.portState}: with STP on it takes up to 30 seconds`,
    };
  }
  return null;
}

const linkOf = (host: HostState, name: string) => host.links.find(link => link.name === name);

const seenByStack = ({ hostStack }: PathEvidence) =>
  hostStack.prerouting + hostStack.forward + hostStack.input + hostStack.arp > 0;

function silent(evidence: PathEvidence): Finding | null {
  if (evidence.bridge.prerouting > 0) return null;
  return {
    verdict: 'unproven',
    reason: 'guest-silent',
    hint: `no frame from the guest was seen; tried: ${evidence.tried.join(', ')}. Is it up, and is its interface?`,
  };
}

/** Switches of br_netfilter, and the frames that each sends through the host's netfilter. */
const SWITCHES = [
  { name: 'bridge-nf-call-iptables', family: 'ip' },
  { name: 'bridge-nf-call-ip6tables', family: 'ip6' },
] as const;

function detour(evidence: PathEvidence, { host }: PathFacts): Finding | null {
  const on = SWITCHES.filter(({ name }) => isOn(host, name));
  // A family that sent nothing was not measured: its switch alone decides, since `direct` would be a guess.
  const guilty = on.filter(({ family }) => seenByStack(evidence) || evidence.families[family] === 0);
  const [first] = guilty;
  if (first) {
    return {
      verdict: 'detour',
      reason: first.name,
      hint: `br_netfilter sends bridged frames through the host's netfilter (${guilty.map(({ name }) => `net.bridge.${name}=1`).join(', ')}): set "bridgeNetfilter": "off" for the bridge, or sysctl -w ${guilty.map(({ name }) => `net.bridge.${name}=0`).join(' ')}`,
    };
  }
  if (!seenByStack(evidence)) return null;
  return {
    verdict: 'detour',
    reason: 'host-stack',
    hint: "the host's IP stack saw frames that were not for it: look at per-bridge nf_call_iptables (ip -d link), and at routes to the guest's address",
  };
}

const isOn = (host: HostState, name: string) => {
  const value = host.sysctls[`net/bridge/${name}`];
  return value !== undefined && value !== '0';
};
