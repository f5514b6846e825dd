import type { NetfilterTable } from '../../host/ports.js';
import type { PathEvidence } from '../model.js';
import { switchesOn } from '../switches.js';
import type { Cause, Finding } from './cause.js';

// Causes by which frames go through the host's IP stack.

const detour = (reason: string, hint: string): Finding => ({ verdict: 'detour', reason, hint });

/** A frame left with the host's MAC: the host has sent it on itself. */
export const routed: Cause = ({ evidence }) => {
  const { rerouted, uplink } = evidence;
  if (rerouted === null || uplink === null) return null;
  return detour(
    rerouted.translated ? 'nat' : 'routed',
    `frames of the guest's leave ${uplink.name} with the host's MAC (${rerouted.mac})${rerouted.translated ? ', translated to another address' : ''}: the host routes them. Look at nft bridge rules that redirect (broute, pkttype), at proxy_arp, and at nat rules`,
  );
};

export const throughNetfilter: Cause = ({ evidence, host, settings, target }) => {
  const on = switchesOn(target.bridge, host.sysctls, settings);
  const guilty = on.filter(({ table }) => concerns(evidence, table));
  const [first] = guilty;
  if (first === undefined) return null;
  return detour(
    first.reason,
    `br_netfilter sends bridged frames through the host's netfilter (${guilty.map(({ name }) => `${name}=1`).join(', ')}): set "bridgeNetfilter": "off" for the bridge, or ${guilty.map(({ fix }) => fix).join('; ')}`,
  );
};

export const seenByStack: Cause = ({ evidence }) =>
  sawSomething(evidence)
    ? detour(
        'host-stack',
        "the host's IP stack saw frames that were not for it: look at nft bridge rules that redirect, and at routes to the guest's address",
      )
    : null;

/** A family that sent nothing was not measured: its switch alone decides, since `direct` would be a guess. ARP always is there. */
function concerns(evidence: PathEvidence, table: NetfilterTable): boolean {
  if (table === 'arptables' || sawSomething(evidence)) return true;
  return evidence.families[table === 'iptables' ? 'ip' : 'ip6'].entered === 0;
}

export const stackTotal = ({ hostStack, inbound }: PathEvidence) =>
  hostStack.prerouting +
  hostStack.forward +
  hostStack.input +
  hostStack.arp +
  (inbound?.hostStack.prerouting ?? 0) +
  (inbound?.hostStack.forward ?? 0);

const sawSomething = (evidence: PathEvidence) => stackTotal(evidence) > 0;
