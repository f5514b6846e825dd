import type { HostState } from '../host/model.js';
import type { Tun } from '../lab/model.js';
import type { Check } from './model.js';

/** Is the tun there and up, and may its owner, and nobody else, open it? */
export function checkTun(tun: Tun, host: HostState): Check {
  const link = host.links.find(({ altnames }) => altnames.includes(tun.altname));
  const users = host.accounts?.users.find(({ asked }) => asked === tun.owner);
  const groups = host.accounts?.groups.find(({ asked }) => asked === tun.group);
  const isOther = (seen: string | null, wanted: string | null, known: typeof users) =>
    seen !== wanted && (seen === null || (seen !== known?.name && seen !== String(known?.id)));
  const fault: readonly [reason: string, hint: string] | null = !link
    ? ['tun-missing', `${tun.name} does not exist: run vmnet provision`]
    : !link.tun
      ? ['not-a-tun', `${link.name} is no tun: run vmnet provision`]
      : isOther(link.tun.owner, tun.owner, users)
        ? [
            'tun-owner',
            `${link.name} belongs to ${link.tun.owner ?? 'no user'} instead of ${tun.owner ?? 'no user'}: run vmnet provision`,
          ]
        : isOther(link.tun.group, tun.group, groups)
          ? [
              'tun-group',
              `${link.name} belongs to ${link.tun.group ?? 'no group'} instead of ${tun.group ?? 'no group'}: run vmnet provision`,
            ]
          : link.up
            ? null
            : ['tun-down', `${link.name} is down: ip link set dev ${link.name} up`];
  return {
    name: 'tun',
    vm: tun.name,
    nic: null,
    verdict: fault ? 'failed' : 'ok',
    reason: fault?.[0] ?? null,
    hint: fault?.[1] ?? null,
    evidence: {
      tun: link?.name ?? tun.name,
      up: link?.up ?? false,
      owner: link?.tun?.owner ?? null,
      group: link?.tun?.group ?? null,
      // A program has it open.
      inUse: link?.carrier ?? false,
    },
  };
}
