import type { HostState } from '../host/model.js';
import { parseCidr, parseIp } from '../lab/cidr.js';
import type { Lab } from '../lab/model.js';
import { nicPath, nicsOf } from '../lab/nics.js';
import { linkNamed, linkOf } from './links.js';
import type { PlanProblem } from './problems.js';

/** A guest must not take an address that the host has on the same network. */
export function findAddressClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const bridge of lab.bridges) {
    const links = [linkOf(bridge, host), bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink)];
    const own = new Map(
      links.flatMap(link =>
        (link?.addresses ?? []).map(({ local }) => [key(parseIp(local)), link?.name] as const),
      ),
    );
    for (const nic of nicsOf(lab).filter(candidate => candidate.bridge === bridge.name)) {
      for (const cidr of nic.addresses) {
        const holder = own.get(key(parseCidr(cidr)));
        if (holder === undefined) continue;
        problems.push({
          code: 'bad-lab',
          message: `${nicPath(nic)}.address: ${cidr} is the host's own address, on ${holder}`,
          fix: 'Give the guest an address of its own.',
        });
      }
    }
  }
}

/** Whatever the prefix and the spelling; `::c000:20a` is not 192.0.2.10. */
const key = (address: { readonly family: 4 | 6; readonly value: bigint } | null) =>
  address && `${address.family} ${address.value}`;
