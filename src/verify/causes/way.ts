import { culprits, portFilters, suspects } from '../diagnosis.js';
import { dotted, FORWARDING } from '../forwarding.js';
import type { Errand } from '../way/model.js';
import { blocked, type Cause, type Finding, linkOf, type Scene } from './cause.js';

// Causes on the way up the host's IP stack and out, in the order in which a frame meets them.

/** A gateway that has no address is none. */
export const noGateway: Cause = scene => {
  const { target, evidence } = scene;
  if (evidence.way === null || evidence.way.errands.length > 0) return null;
  const named = linkOf(scene, target.bridge) ? 'has no address' : 'does not exist';
  return blocked(
    'no-gateway',
    `${target.bridge} ${named}, so no guest can send to the host what is to go on: run vmnet provision, or ip address add CIDR dev ${target.bridge}`,
  );
};

/** That something gets out says only what was sent. */
export const notAsked: Cause = ({ evidence, target }) => {
  const { way } = evidence;
  if (way?.errands.every(({ entered, decides }) => entered > 0 || !decides)) return null;
  return {
    verdict: 'unproven',
    reason: 'not-attempted',
    hint: `nothing was sent into ${target.bridge} for addresses outside, so nothing shows that it gets there: run vmnet verify without --passive, and once the bridge forwards (STP keeps a new port silent)`,
  };
};

/** The guest's own frames for the host go up from the bridge. */
export const notToHost: Cause = scene => {
  const { evidence, target, diagnosis } = scene;
  const { way } = evidence;
  if (way === null || way.toHost.input > 0) return null;
  if (way.toHost.entered === 0)
    return {
      verdict: 'unproven',
      reason: 'not-to-host',
      hint: `the guest answers its neighbours, but sent nothing to the host (${target.bridge}), which it was asked in the name of: has it an address in a subnet of ${target.bridge}?`,
    };
  return blocked(
    'bridge-filter',
    `${target.bridge} drops the guest's frames for the host: ${culprits(diagnosis, ['bridge'], 'input') || 'look at nft bridge chains and ebtables rules at input'}`,
  );
};

/** What we send in a guest's stead does not get into the stack. */
export const notUp: Cause = scene =>
  byErrand(scene, ({ stack }) =>
    stack > 0
      ? null
      : blocked(
          'bridge-filter',
          `${scene.target.bridge} drops frames for the host: ${culprits(scene.diagnosis, ['bridge'], 'input') || 'look at nft bridge chains and ebtables rules at prerouting and input'}`,
        ),
  );

/** The stack sees it, and does not forward it. */
export const notForwarded: Cause = scene =>
  byErrand(scene, errand => {
    if (errand.forward > 0) return null;
    return forwardingOff(errand, scene) ?? noRoute(errand, scene) ?? inStack(errand, scene, 'prerouting');
  });

/** A chain of the forward hook drops it, such as Docker's. */
export const forwardDrop: Cause = scene =>
  byErrand(scene, errand => (errand.passed.length > 0 ? null : inStack(errand, scene, 'forward')));

/** It is forwarded, and a chain at the way out drops it. */
export const postroutingDrop: Cause = scene =>
  byErrand(scene, errand => (errand.left.length > 0 ? null : inStack(errand, scene, 'postrouting')));

/** It leaves with the guest's own address, to which no answer finds back. */
export const noMasquerade: Cause = scene => {
  if (scene.target.mode !== 'nat') return null;
  return byErrand(scene, ({ family, from, left }) => {
    const plain = left.find(({ source }) => source === from);
    if (!plain) return null;
    return blocked(
      'no-masquerade',
      `frames of ${family === 'ip' ? 'IPv4' : 'IPv6'} leave by ${plain.port} with the guest's own address (${from}), so no answer comes back: no rule at nat postrouting masquerades what comes from ${scene.target.bridge}`,
    );
  });
};

/** A network that is meant to be routed as it is, is not. */
export const translated: Cause = scene => {
  if (scene.target.mode !== 'routed') return null;
  return byErrand(scene, ({ from, left }) => {
    const other = left.find(({ source }) => source !== from);
    if (!other) return null;
    return {
      verdict: 'detour',
      reason: 'translated',
      hint: `frames from ${from} leave by ${other.port} with the address ${other.source}: a rule at nat postrouting translates what ${scene.target.bridge} is meant to send as it is. Take the rule away, or choose "mode": "nat"`,
    };
  });
};

/** It is handed to a device, and not seen to leave there. */
export const notOut: Cause = scene =>
  byErrand(scene, ({ captured, left, to }) => {
    const [last] = left;
    if (captured !== 0 || !last) return null;
    const filters = portFilters(scene.diagnosis, last.port, 'egress');
    if (filters)
      return blocked(
        'egress-filter',
        `frames for ${to.join(', ')} are handed to ${last.port}, but none leaves: ${filters}`,
      );
    return blocked(
      'no-next-hop',
      `frames for ${to.join(', ')} are handed to ${last.port}, but none leaves: does the gateway answer (ip neigh show dev ${last.port})?`,
    );
  });

/** The first errand of which it is so, of those that the verdict rests on. */
function byErrand({ evidence }: Scene, find: (errand: Errand) => Finding | null): Finding | null {
  for (const errand of evidence.way?.errands ?? []) {
    const finding = errand.decides ? find(errand) : null;
    if (finding) return finding;
  }
  return null;
}

function forwardingOff({ family }: Errand, { target, diagnosis }: Scene): Finding | null {
  const off = FORWARDING.filter(it => it.family === family)
    .flatMap(({ paths }) => paths(target.bridge))
    .filter(path => diagnosis.sysctls[path] === '0');
  if (off.length === 0) return null;
  return blocked(
    'forwarding-off',
    `the host does not forward what comes from ${target.bridge}: ${off.map(path => `sysctl -w ${dotted(path)}=1`).join('; ')}`,
  );
}

function noRoute({ family, to }: Errand, { host, target }: Scene): Finding | null {
  const number = family === 'ip' ? 4 : 6;
  const any = host.routes.some(
    route => route.family === number && route.dst === 'default' && route.dev !== target.bridge,
  );
  if (any || !to.some(isNowhere)) return null;
  return blocked(
    'no-route',
    `the host has no route to anywhere out of ${target.bridge} in IPv${number}: it needs a default route, or one to another network (ip -${number} route)`,
  );
}

const isNowhere = (address: string) => /^198\.1[89]\.|^2001:2:0:/.test(address);

const STACK = { ip: ['ip', 'inet'], ip6: ['ip6', 'inet'] } as const;

function inStack(
  { family, stack }: Errand,
  { target, diagnosis, host }: Scene,
  hook: 'prerouting' | 'forward' | 'postrouting',
): Finding {
  const named = culprits(diagnosis, STACK[family], hook);
  const docker = suspects(diagnosis, STACK[family], hook).some(({ toDockerUser }) => toDockerUser);
  const chain = docker ? 'DOCKER-USER' : 'FORWARD';
  const isAllowed = host.docker.some(({ rules }) => rules.some(({ bridge }) => bridge === target.bridge));
  const byLab =
    docker && !isAllowed
      ? `"docker": "allow" on ${target.bridge} in the lab file lets it pass in the chain DOCKER-USER. By hand`
      : 'Let it pass there';
  const program = family === 'ip' ? 'iptables' : 'ip6tables';
  if (hook === 'forward')
    return blocked(
      'forward-drop',
      `the host's firewall does not let through what comes from ${target.bridge}: ${named || 'look at the chains of the forward hook'}. ${byLab}: ${program} -I ${chain} -i ${target.bridge} -j ACCEPT; ${program} -I ${chain} -o ${target.bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    );
  const reverse = hook === 'prerouting' && !named ? REVERSE(target.bridge) : '';
  return blocked(
    'host-filter',
    `of ${stack} frames from ${target.bridge} that the host's IP stack saw, none got past ${hook}: ${named || reverse || `look at the chains of the ${hook} hook`}`,
  );
}

const REVERSE = (bridge: string) =>
  `no chain there drops, so look at net.ipv4.conf.${bridge}.rp_filter and at policy rules (ip rule)`;
