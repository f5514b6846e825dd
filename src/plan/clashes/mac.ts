import type { HostState } from '../../host/model.js';
import type { Lab, Nic } from '../../lab/model.js';
import { nicPath } from '../../lab/nics.js';
import { existingUuids } from '../existing.js';
import { bridgeName, labOf } from '../links.js';
import type { PlanProblem } from '../problems.js';
import { tapMac } from '../tap.js';

/** Two interfaces of one MAC on one network take turns at losing their frames. */
export function findMacClashes(
  lab: Lab,
  missing: readonly Nic[],
  host: HostState,
  problems: PlanProblem[],
): void {
  const users = usersOf(lab, host);
  const names = new Map(lab.bridges.map(bridge => [bridge.name, bridgeName(bridge, host)]));
  // The first port that a bridge tells is the one that counts.
  const seen = new Map(host.fdb.toReversed().map(entry => [`${entry.bridge} ${entry.mac}`, entry]));
  for (const nic of missing) {
    const learned = seen.get(`${names.get(nic.bridge ?? '')} ${nic.mac}`);
    // A domain says more than its tap.
    const user = users.get(nic.mac) ?? users.get(tapMac(nic));
    if (!user && !learned) continue;
    problems.push({
      code: 'conflict',
      message: `${nicPath(nic)}.mac: ${nic.mac} ${user ?? `was seen behind ${learned?.port}, another port of ${learned?.bridge}`}`,
      fix: user
        ? 'Give one of the two another MAC, or repeat the command with --yes if they never meet on one network.'
        : 'Give the NIC another "mac", or repeat the command with --yes if that machine is gone: a bridge forgets after 5 minutes.',
    });
  }
}

/** Who has a MAC, as half a sentence; behind a tap it is a guest's, but for the first byte. */
function usersOf(lab: Lab, host: HostState): Map<string, string> {
  const links = host.links
    .filter(link => labOf(link) !== lab.name)
    .map(({ mac, kind, name }) => {
      const isTap = kind === 'tun' && mac.startsWith('fe:');
      return [mac, `is that of ${isTap ? `the guest behind the tap ${name}` : name}, too`] as const;
    });
  // Those are looked at as they get their NICs.
  const existing = existingUuids(lab, host);
  const domains = (host.libvirt?.domains ?? [])
    .filter(({ mark, uuid }) => mark?.lab !== lab.name && !existing.has(uuid))
    .flatMap(({ name, nics }) => nics.map(({ mac }) => [mac, `is that of the domain ${name}, too`] as const));
  return new Map([...links, ...domains]);
}
