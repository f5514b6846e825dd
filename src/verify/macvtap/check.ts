import type { HostState } from '../../host/model.js';
import type { Check } from '../model.js';
import type { MacvtapTarget } from './targets.js';

/** Is the device there and up, on its uplink, of its mode, and does it have the guest's MAC? */
export function checkMacvtap(target: MacvtapTarget, host: HostState): Check {
  const { nic, tap, uplink, mode } = target;
  const link = host.links.find(({ name }) => name === tap);
  const restart = `vmnet provision --restart makes it again`;
  const fault: readonly [reason: string, hint: string] | null = !link
    ? ['macvtap-missing', `${tap} does not exist; libvirt makes it as the guest starts: vmnet provision`]
    : link.macvlan?.lower !== uplink
      ? [
          'macvtap-elsewhere',
          `${tap} is on ${link.macvlan?.lower ?? 'nothing'} instead of ${uplink}: ${restart}`,
        ]
      : link.macvlan.mode !== mode
        ? ['macvtap-mode', `${tap} is in the mode ${link.macvlan.mode} instead of ${mode}: ${restart}`]
        : link.mac !== nic.mac
          ? ['macvtap-mac', `${tap} has the MAC ${link.mac} instead of ${nic.mac}: ${restart}`]
          : link.up
            ? null
            : ['macvtap-down', `${tap} is down: ip link set dev ${tap} up`];
  return {
    name: 'macvtap',
    vm: nic.vm,
    nic: nic.index,
    verdict: fault ? 'failed' : 'ok',
    reason: fault?.[0] ?? null,
    hint: fault?.[1] ?? null,
    evidence: {
      macvtap: tap,
      uplink: link?.macvlan?.lower ?? null,
      mode: link?.macvlan?.mode ?? null,
      up: link?.up ?? false,
    },
  };
}
