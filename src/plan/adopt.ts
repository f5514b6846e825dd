import type { HostState, Link } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import { labOf, linkNamed } from './links.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

// Bridges with `"permanent": true`: somebody else's, used as they are. No mark is put on them.

/** Why a permanent bridge cannot be used, if so. */
export function notAdoptable(bridge: Bridge, host: HostState): PlanProblem[] {
  const at = `bridges.${bridge.name}.permanent`;
  const link = linkNamed(host, bridge.name);
  const problem = (code: PlanProblem['code'], message: string, fix: string) => [{ code, message, fix }];
  if (!link) {
    const others = host.links.filter(other => other.kind === 'bridge' && !labOf(other));
    const names = others.map(({ name }) => name).join(', ');
    return problem(
      'bad-lab',
      `${at}: this host has no bridge ${bridge.name}, and a permanent one has to be there already`,
      `Make it first, or take "permanent" out, and vmnet makes it.${names ? ` Bridges that are there: ${names}.` : ''}`,
    );
  }
  if (link.kind !== 'bridge')
    return problem(
      'bad-lab',
      `${at}: ${bridge.name} is no bridge`,
      'Name one that is, or take "permanent" out.',
    );
  const lab = labOf(link);
  if (!lab && !link.up)
    return problem(
      'conflict',
      `${at}: ${bridge.name} is down, and vmnet does not change it`,
      `Bring it up: ip link set dev ${bridge.name} up`,
    );
  if (!lab) return [];
  return problem(
    'conflict',
    `${at}: ${bridge.name} was made by the lab ${lab}, and goes with it`,
    `Take "permanent" out, or destroy that lab first: vmnet destroy ${lab}`,
  );
}

/** The way out where a bridge that is not ours is in the way. */
export const adoption = (bridge: Bridge, link: Link): string =>
  link.kind === 'bridge' && !labOf(link)
    ? `, or use that bridge as it is: "permanent": true for ${bridge.name}`
    : '';

/** Bridges that a lab used without having made them. */
export function adoptedBy(lab: string, host: HostState): Link[] {
  const bridges = currentRecord(lab, host)?.lab.bridges ?? [];
  return bridges.flatMap(bridge => (bridge.permanent ? (linkNamed(host, bridge.name) ?? []) : []));
}
