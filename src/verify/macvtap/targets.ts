import { domainOf } from '../../host/existing.js';
import type { HostState } from '../../host/model.js';
import { isExisting } from '../../lab/existing.js';
import type { Lab, MacvtapMode } from '../../lab/model.js';
import { macvtapNics } from '../../lab/nics.js';
import type { Ends } from '../targets.js';

/** A macvtap with the name that its device has now. */
export interface MacvtapTarget extends Ends {
  readonly domain: string | null;
  /** That domain is not ours to start. */
  readonly existing?: boolean;
  readonly uplink: string;
  readonly mode: MacvtapMode;
}

/** Each macvtap of a lab; where its device was renamed, its MAC tells. */
export function macvtapTargetsOf(lab: Lab, host: HostState, networkOnly = false): MacvtapTarget[] {
  return lab.vms.flatMap(vm =>
    macvtapNics(vm.nics).map(nic => {
      const devices = host.links.filter(({ kind, mac }) => kind === 'macvtap' && mac === nic.mac);
      const device = devices.find(({ name }) => name === nic.tap) ?? devices[0];
      return {
        nic,
        domain: networkOnly ? null : (domainOf(vm, host)?.name ?? vm.domain),
        ...(isExisting(vm) ? { existing: true } : {}),
        tap: device?.name ?? nic.tap,
        ...nic.macvtap,
      };
    }),
  );
}
