import type { HostState } from '../../host/model.js';
import type { Lab, MacvtapMode } from '../../lab/model.js';
import { macvtapNics } from '../../lab/nics.js';
import type { Ends } from '../targets.js';

/** A macvtap with the name that its device has now. */
export interface MacvtapTarget extends Ends {
  readonly domain: string | null;
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
        domain: networkOnly ? null : vm.domain,
        tap: device?.name ?? nic.tap,
        ...nic.macvtap,
      };
    }),
  );
}
