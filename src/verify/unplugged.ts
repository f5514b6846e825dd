import type { HostState } from '../host/model.js';
import type { Lab, Nic } from '../lab/model.js';
import type { Check } from './model.js';

/** NICs whose cable is pulled: no frame of theirs is to be waited for. */
export const isUnplugged = ({ link }: Nic) => link === 'down';

/** In the place of their paths: does the running guest have no link there? */
export function checkUnplugged(lab: Lab, host: HostState): Check[] {
  return lab.vms.flatMap(vm => {
    const domain = host.libvirt?.domains.find(({ name }) => name === vm.domain);
    return vm.nics.filter(isUnplugged).map(nic => {
      const link = domain?.liveMark?.nics?.find(({ mac }) => mac === nic.mac)?.link ?? null;
      const isDown = link === 'down';
      return {
        name: 'path',
        vm: vm.name,
        nic: nic.index,
        verdict: isDown ? 'down' : 'unproven',
        reason: isDown ? null : 'link-not-down',
        hint: isDown
          ? null
          : `the lab has its link down, and ${seen(domain?.state, link)}: run vmnet provision`,
        evidence: { tap: nic.tap, link },
      } satisfies Check;
    });
  });
}

function seen(state: string | undefined, link: string | null): string {
  if (state === undefined) return 'the guest is not defined';
  return link === null
    ? `the guest, which is ${state}, has no such NIC`
    : `in the running guest it is ${link}`;
}
