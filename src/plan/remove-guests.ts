import type { DomainState, HostState } from '../host/model.js';
import { consolePath } from '../render/domain.js';
import { diskGarbage } from './disks.js';
import { guestRef, isAlive, placeOn, undefine } from './guest.js';
import type { Step } from './model.js';
import { appliedLab, stopOrder } from './order.js';

/** End and forget domains of ours. Their files stay until all went well: see {@link guestFiles}. */
export function removeGuests(
  lab: string,
  domains: readonly DomainState[],
  host: HostState,
  stateDir: string,
  why: string,
): Step[] {
  const orderOf = stopOrder(appliedLab(lab, host.records));
  return domains.map(domain => {
    const vm = domain.mark?.vm ?? '';
    const ref = { name: domain.name, uuid: domain.uuid };
    const alive = isAlive(domain);
    const guest = guestRef(lab, vm, ref, placeOn(host, stateDir));
    return {
      title: `remove ${domain.name}`,
      why,
      ...orderOf(vm),
      do: [...(alive ? [{ kind: 'stop', ...ref } as const] : []), undefine(ref, domain.xml, stateDir)],
      // What was in its memory is gone, but it can run again.
      undo: domain.xml
        ? [
            { kind: 'define', ...ref, xml: domain.xml },
            ...(domain.autostart ? [{ kind: 'autostart', ...ref, on: true } as const] : []),
            ...(alive ? [{ kind: 'start', ...guest } as const] : []),
          ]
        : [],
    };
  });
}

/** Console logs and files of domains that are gone; disks that are to be kept stay. */
export const guestFiles = (
  lab: string,
  domains: readonly DomainState[],
  disks: readonly string[],
  stateDir: string,
): string[] =>
  domains.flatMap(({ mark }) =>
    mark ? [consolePath(stateDir, lab, mark.vm), ...diskGarbage(lab, mark.vm, disks, stateDir)] : [],
  );
