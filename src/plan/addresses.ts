import type { HostState } from '../host/model.js';
import { parseCidr, parseIp } from '../lab/cidr.js';
import type { Lab } from '../lab/model.js';
import { linkNamed, marked } from './links.js';
import type { PlanProblem } from './problems.js';

/** A guest must not take an address that the host has on the same network. */
export function findAddressClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const bridge of lab.bridges) {
    const links = [
      marked(host, bridge.altname),
      bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink),
    ];
    const own = new Map(
      links.flatMap(link =>
        (link?.addresses ?? []).map(({ local }) => [parseIp(local)?.value, link?.name] as const),
      ),
    );
    for (const nic of lab.vms.flatMap(vm => vm.nics).filter(candidate => candidate.bridge === bridge.name)) {
      for (const cidr of nic.addresses) {
        const holder = own.get(parseCidr(cidr)?.value);
        if (holder === undefined) continue;
        problems.push({
          code: 'bad-lab',
          message: `vms.${nic.vm}.nics[${nic.index}].address: ${cidr} is the host's own address, on ${holder}`,
          fix: 'Give the guest an address of its own.',
        });
      }
    }
  }
}
