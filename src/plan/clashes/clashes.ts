import type { HostState } from '../../host/model.js';
import type { Lab, Nic } from '../../lab/model.js';
import { nicsOf } from '../../lab/nics.js';
import type { PlanProblem } from '../problems.js';
import { findMacClashes } from './mac.js';
import { findMtuClashes } from './mtu.js';
import { findSubnetClashes } from './subnet.js';
import { findTapClashes } from './tap.js';

/**
 * What on this host would not get along with the lab. Only what is still to be made is looked at: a lab that is up was
 * accepted as it is.
 * @param yes go on with all that may be meant so
 */
export function findClashes(lab: Lab, host: HostState, yes: boolean, problems: PlanProblem[]): void {
  const marks = new Set(host.links.flatMap(link => link.altnames));
  const missing: Nic[] = nicsOf(lab).filter(nic => !marks.has(nic.altname));
  findTapClashes(lab, host, problems);
  if (yes) return;
  findMacClashes(lab, missing, host, problems);
  findSubnetClashes(lab, host, problems);
  findMtuClashes(lab, host, problems);
}
