import type { HostState, Link } from '../../host/model.js';
import { blocked, type Finding } from '../causes/cause.js';
import { notRunning } from '../causes/guest.js';
import { type Diagnosis, portFilters } from '../diagnosis.js';
import { type MacvtapEvidence, stackOf } from './model.js';
import type { MacvtapTarget } from './targets.js';

/** Everything that the verdict on one macvtap rests on. */
export interface Scene {
  readonly target: MacvtapTarget;
  readonly evidence: MacvtapEvidence;
  readonly host: HostState;
  /** libvirt's word for the state of the guest's domain; null where that is not known. */
  readonly domain: string | null;
  readonly diagnosis: Diagnosis;
}

type Cause = (scene: Scene) => Finding | null;

const unproven = (reason: string, hint: string): Finding => ({ verdict: 'unproven', reason, hint });

const linkOf = ({ host }: Scene, name: string): Link | undefined =>
  host.links.find(link => link.name === name);

const hasNoCarrier = ({ operState }: Link) => operState === 'DOWN' || operState === 'LOWERLAYERDOWN';

const uplink: Cause = scene => {
  const { uplink: name } = scene.target;
  const link = linkOf(scene, name);
  if (!link) return blocked('uplink-missing', `this host has no interface ${name} any more`);
  if (!link.up) return blocked('uplink-down', `${name} is down: ip link set dev ${name} up`);
  if (hasNoCarrier(link))
    return blocked('uplink-no-carrier', `${name} has no carrier: look at its cable and switch port`);
  return null;
};

const device: Cause = scene => {
  const { tap, uplink: name, nic, domain } = scene.target;
  const link = linkOf(scene, tap);
  const again = 'vmnet provision --restart makes it again';
  if (!link)
    return blocked(
      'macvtap-missing',
      domain === null
        ? `${tap} does not exist: libvirt makes it as the guest starts, and this lab was applied without guests`
        : `${tap} does not exist although the guest runs: ${again}`,
    );
  if (link.macvlan?.lower !== name)
    return blocked(
      'macvtap-elsewhere',
      `${tap} is on ${link.macvlan?.lower ?? 'nothing'} instead of ${name}: ${again}`,
    );
  if (!link.up) return blocked('macvtap-down', `${tap} is down: ip link set dev ${tap} up`);
  if (link.mac !== nic.mac)
    return blocked(
      'macvtap-mac',
      `${tap} takes frames for ${link.mac} instead of the guest's ${nic.mac}: ip link set dev ${tap} address ${nic.mac}`,
    );
  return null;
};

/** It sends, but under a MAC for which the kernel hands it no answer. */
const foreignMac: Cause = ({ evidence, target }) => {
  const { strangers, macvtap } = evidence;
  if (strangers.length === 0 || (macvtap.captured?.unicast ?? 0) + (macvtap.captured?.multicast ?? 0) > 0)
    return null;
  return blocked(
    'foreign-mac',
    `the guest sends as ${strangers.map(({ mac }) => mac).join(', ')} instead of ${target.nic.mac}, for which it gets no answer: take the MAC off its interface's configuration, or write it into the lab file`,
  );
};

/** LAN → guest, of a guest that is silent as well as of one that speaks. */
const uplinkIngress: Cause = ({ evidence, target, diagnosis }) => {
  if (evidence.inbound === null || evidence.inbound.ingress > 0) return null;
  const named = portFilters(diagnosis, target.uplink, 'ingress');
  return blocked(
    'uplink-ingress-filter',
    `frames for the guest that come in at ${target.uplink} do not get past its filters: ${named || `look at nft netdev chains and tc filters of ${target.uplink}`}`,
  );
};

const notDelivered: Cause = ({ evidence, target, diagnosis }) => {
  if (evidence.inbound?.captured !== 0) return null;
  const named =
    portFilters(diagnosis, target.uplink, 'ingress') || portFilters(diagnosis, target.tap, 'ingress');
  return blocked(
    'not-delivered',
    `frames for the guest come in at ${target.uplink}, but do not reach ${target.tap}: ${named || `does another macvlan or a program on ${target.uplink} take them? (ip -d link; tc filter show dev ${target.uplink} ingress)`}`,
  );
};

const uplinkEgress: Cause = ({ evidence, target, diagnosis }) => {
  const { macvtap, uplink: out } = evidence;
  const left = out.egress > 0 && out.captured !== 0;
  if (left || (macvtap.captured?.unicast ?? 0) === 0) return null;
  const named = portFilters(diagnosis, target.uplink, 'egress');
  return blocked(
    'uplink-egress-filter',
    `the guest's frames are sent through ${target.tap}, but none leaves ${target.uplink}: ${named || `look at nft netdev chains, tc filters and qdiscs of ${target.uplink}`}`,
  );
};

const silent: Cause = ({ evidence, target }) => {
  const { macvtap, uplink: out, tried } = evidence;
  if (out.egress > 0 && out.captured !== 0) return null;
  const multicast = macvtap.captured?.multicast ?? 0;
  if (multicast > 0)
    return unproven(
      'only-multicast',
      `the guest sends broadcast or multicast (${multicast} frames), but answers nobody; tried: ${tried.join(', ')}. Name its "address" in the lab file, so that it can be asked`,
    );
  return unproven(
    'guest-silent',
    `no frame from the guest was seen on ${target.tap}; tried: ${tried.join(', ')}. Is it up, and is its interface?`,
  );
};

const mtu: Cause = ({ evidence, target }) => {
  if (evidence.fullSize === null || evidence.fullSize.left > 0) return null;
  return blocked(
    'mtu',
    `small frames pass, but no answer of ${evidence.fullSize.bytes} bytes with "don't fragment" left ${target.uplink}: compare the MTU of the guest with that of ${target.uplink}`,
  );
};

const seenByStack: Cause = ({ evidence, target }) =>
  stackOf(evidence) === 0
    ? null
    : {
        verdict: 'detour',
        reason: 'host-stack',
        hint: `the host's IP stack saw frames of the guest, or for it, which a macvtap keeps from it: look at tc filters that redirect on ${target.uplink} and ${target.tap}, and at another interface of this host on the same network`,
      };

/** Every way in which a macvtap's path can be wrong, in the order in which a frame would meet them. */
export const CAUSES: Readonly<Record<string, Cause>> = {
  notRunning,
  uplink,
  device,
  foreignMac,
  uplinkIngress,
  notDelivered,
  uplinkEgress,
  silent,
  mtu,
  seenByStack,
};

export function troubleWith(scene: Scene): Finding | null {
  for (const cause of Object.values(CAUSES)) {
    const finding = cause(scene);
    if (finding) return finding;
  }
  return null;
}
