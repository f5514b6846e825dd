import type { HostState } from '../host/model.js';
import { adoptedBy } from './adopt.js';
import { keptNotes } from './disks.js';
import { removeDocker } from './docker.js';
import { removeExisting } from './existing.js';
import { restoreForwarding } from './forwarding.js';
import { ovsOf, tapsAmong } from './leftovers.js';
import { elsewhere } from './libvirt-user.js';
import { linksOf } from './links.js';
import { removeStrays } from './macvtap.js';
import type { Plan } from './model.js';
import { currentRecords, restoreBridgeNetfilter } from './netfilter.js';
import { removeOvs } from './ovs-remove.js';
import { phasesOf } from './phases.js';
import { namespacesOf } from './place.js';
import { type PlanProblem, throwProblems } from './problems.js';
import { currentRecord } from './record.js';
import { releaseUplinks, removeBridges } from './remove.js';
import { guestFiles, removeGuests } from './remove-guests.js';
import { removeEndpoints } from './remove-namespaces.js';
import { removeTaps } from './remove-taps.js';
import { removeServices } from './services.js';
import { removeSubInterfaces } from './sub-interface.js';
import { removeTables } from './tables.js';
import { removeUnmanaged } from './unmanaged.js';
export interface DestroyOptions {
  /**
   * Delete a bridge although ports that vmnet did not make are on it, a tap although a guest of somebody else has it
   * open, and a namespace although processes run in it.
   */
  readonly force?: boolean;
}

/**
 * What has to be done so that nothing of a lab is left and its uplinks are as they were. Needs no lab file:
 * marks and the record tell.
 */
export function planDestroy(
  name: string,
  host: HostState,
  stateDir: string,
  options: DestroyOptions = {},
): Plan {
  const problems: PlanProblem[] = host.libvirt === null ? [] : elsewhere(name, host);
  const why = 'the lab is destroyed';
  const domains = (host.libvirt?.domains ?? []).filter(domain => domain.mark?.lab === name);
  const all = linksOf(host, name);
  const bridges = all.filter(link => link.kind === 'bridge');
  const existing = removeExisting(name, host, why);
  const phases = phasesOf({
    guests: [...removeGuests(name, domains, host, stateDir, why), ...existing.steps],
    taps: removeStrays(currentRecord(name, host)?.lab ?? null, host, why),
    namespaces: removeEndpoints(
      name,
      {
        veths: all.filter(link => link.kind === 'veth'),
        ends: [],
        namespaces: namespacesOf(host, name),
      },
      host,
      { why, force: options.force ?? false, folder: madeFolder(name, host) },
      problems,
    ),
    services: removeServices(name, host, () => true, why),
    uplink: [
      ...releaseUplinks(name, host, [...bridges, ...adoptedBy(name, host)], () => true).steps,
      ...removeSubInterfaces(
        name,
        all.filter(({ kind }) => kind === 'vlan'),
        why,
      ),
    ],
    // Taps and bridges in one phase: they go in one group deletion.
    bridge: [
      ...removeTaps(tapsAmong(all), name, host, { why, force: options.force ?? false }, problems),
      ...removeBridges(name, host, bridges, { staying: [], force: options.force ?? false }, problems),
      ...removeOvs(name, host, ovsOf(name, host), options.force ?? false, 'nothing is left on it', problems),
      ...restoreBridgeNetfilter(name, host),
      ...restoreForwarding(name, host),
      ...removeDocker(name, host),
      ...removeUnmanaged(host),
    ],
    rules: removeTables(name, host),
  });
  throwProblems(name, problems);
  return {
    lab: name,
    verb: 'destroy',
    phases,
    notes: [...existing.notes, ...keptNotes(host.disks)],
    moves: [],
    garbage: guestFiles(name, domains, host.disks, stateDir),
    record: null,
  };
}

/** Does the folder of namespaces' names go with the last of ours? Where a lab made it, and no other lab has any. */
const madeFolder = (lab: string, host: HostState): boolean =>
  currentRecord(lab, host)?.namespaceFolder === 'made' &&
  !currentRecords(host).some(record => record.name !== lab && record.namespaceFolder === 'made');
