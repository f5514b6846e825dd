import type { HostState, Link } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import { keptByKernel } from './advertised.js';
import { bridgeName, labOf, linkNamed } from './links.js';
import { wouldLose } from './odd.js';
import type { PlanProblem } from './problems.js';
import { whyNotRenewed, willBeRenewed } from './renewer.js';
import { rulesLeftBehind } from './uplink-rules.js';

// Which interfaces can be uplinks, and what a host would lose by it.

/** Does the uplink's identity move to the bridge? */
export const moves = (bridge: Bridge, uplink: Link) =>
  bridge.address.mode === 'inherit' && uplink.addresses.length > 0;

export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** What the user has to say yes to, if anything. */
export const riskOf = (bridge: Bridge, uplink: Link, host: HostState): PlanProblem | null =>
  wouldStrand(bridge, uplink) ??
  wouldExpire(bridge, uplink, host) ??
  (moves(bridge, uplink) ? wouldLose(bridge, uplink, host) : null) ??
  rulesLeftBehind(bridge, uplink, moves(bridge, uplink), host);

/** The host has no such interface. */
export function absent(bridge: Bridge, uplink: string, host: HostState): PlanProblem {
  const usable = host.links.filter(
    link => link.type === 'ether' && !link.master && isPhysical(link) && !host.wireless.includes(link.name),
  );
  const names = usable.map(link => link.name);
  return {
    code: 'bad-lab',
    message: `bridges.${bridge.name}.uplink: this host has no interface ${uplink}`,
    fix:
      names.length > 0
        ? `Interfaces that could be used: ${names.join(', ')}.`
        : 'It has no interface that could be used; leave "uplink" out for a bridge without one.',
  };
}

const isPhysical = (link: Link) => !['bridge', 'tun', 'dummy'].includes(link.kind ?? '');

/** Why an interface cannot be an uplink, if so. */
export function unfit(bridge: Bridge, uplink: Link, host: HostState): PlanProblem | null {
  const at = `bridges.${bridge.name}.uplink: ${uplink.name}`;
  const bad = (message: string, fix: string): PlanProblem => ({ code: 'bad-lab', message, fix });
  if (uplink.type === 'loopback')
    return bad(`${at} is the loopback interface`, 'Name the physical interface that leads to your network.');
  if (uplink.type !== 'ether')
    return bad(
      `${at} is no Ethernet interface (its link layer is ${uplink.type})`,
      'Only Ethernet interfaces can be bridged.',
    );
  if (uplink.kind === 'bridge')
    return bad(
      `${at} is a bridge itself, and a bridge cannot be a port of another`,
      'Name the physical interface behind it.',
    );
  if (host.wireless.includes(uplink.name)) {
    return bad(
      `${at} is a Wi-Fi interface; access points drop frames of any MAC but its own, so it cannot be bridged`,
      'Use a wired interface.',
    );
  }
  if (uplink.master !== null && uplink.master !== bridgeName(bridge, host)) {
    const master = linkNamed(host, uplink.master);
    const lab = master && labOf(master);
    const free = lab ? `vmnet destroy ${lab}` : `ip link set dev ${uplink.name} nomaster`;
    return bad(
      `${at} is enslaved already, to ${uplink.master}`,
      `Free it first (${free}), or name another interface.`,
    );
  }
  return null;
}

/** Addresses of a bridge port are not answered any more. */
function wouldStrand(bridge: Bridge, uplink: Link): PlanProblem | null {
  const addresses = uplink.addresses.filter(address => address.scope === 'global');
  if (bridge.address.mode === 'inherit' || addresses.length === 0) return null;
  const list = addresses.map(address => `${address.local}/${address.prefix}`).join(', ');
  return {
    code: 'conflict',
    message: `${uplink.name} has the addresses ${list}, which no longer work on a port of ${bridge.name}: the bridge does not take them over`,
    fix: `${bridge.type === 'ovs' ? `Name an uplink that the host itself does not use, or give ${bridge.name} an "address" of its own` : bridge.permanent ? `Give them to ${bridge.name} yourself` : `Set "address": "inherit" for ${bridge.name}`}, or repeat the command with --yes if you can do without them.`,
  };
}

/** A leased address that nobody renews on the bridge would vanish with its lease. */
function wouldExpire(bridge: Bridge, uplink: Link, host: HostState): PlanProblem | null {
  const leased = uplink.addresses.filter(
    address =>
      address.validLifetime !== null &&
      !keptByKernel(address, uplink, host) &&
      !willBeRenewed(address, uplink.name, host),
  );
  if (!moves(bridge, uplink) || leased.length === 0) return null;
  const list = leased
    .map(address => `${address.local}/${address.prefix} (${address.validLifetime} s left)`)
    .join(', ');
  return {
    code: 'conflict',
    message: `${uplink.name} holds leased addresses, which nobody would renew on ${bridge.name}: ${list}; ${whyNotRenewed(uplink.name, host)}`,
    fix: `Give the host a static address, or start a DHCP client for ${uplink.name} alone, which is then moved along; or repeat the command with --yes if your DHCP client will run on the bridge.`,
  };
}
