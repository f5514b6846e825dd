import type { HostState } from '../../host/model.js';
import type { Bridge, Lab } from '../../lab/model.js';
import { nicPath, nicsOf } from '../../lab/nics.js';
import { bridgeMtu } from '../bridge.js';
import { linkNamed, linkOf } from '../links.js';
import type { PlanProblem } from '../problems.js';

/** A bridge drops what is too long for the port that it leaves by, and tells nobody. */
export function findMtuClashes(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  const taps = new Map(host.links.flatMap(link => link.altnames.map(altname => [altname, link] as const)));
  for (const bridge of lab.bridges) {
    const mtu = bridgeMtu(bridge, host);
    uplinkTooSmall(bridge, mtu, host, problems);
    for (const nic of nicsOf(lab)) {
      if (nic.bridge !== bridge.name || nic.mtu === null || taps.get(nic.altname)?.mtu === nic.mtu) continue;
      const at = `${nicPath(nic)}.mtu: ${nic.mtu} is`;
      if (nic.mtu > mtu)
        problems.push({
          code: 'conflict',
          message: `${at} more than the ${mtu} of ${bridge.name}, which would drop the longer frames`,
          fix: `Write at most ${mtu}, or repeat the command with --yes.`,
        });
      else if (bridge.permanent && nic.mtu < mtu)
        problems.push({
          code: 'conflict',
          message: `${at} less than the ${mtu} of the permanent bridge ${bridge.name}, whose own MTU may follow its smallest port`,
          fix: `Take "mtu" out, or repeat the command with --yes if ${bridge.name} may follow.`,
        });
    }
  }
}

/** Only where it is new: not once the uplink is on a bridge of that MTU. */
function uplinkTooSmall(bridge: Bridge, mtu: number, host: HostState, problems: PlanProblem[]): void {
  const uplink = bridge.uplink === null ? undefined : linkNamed(host, bridge.uplink);
  const link = linkOf(bridge, host);
  const isNew = link?.mtu !== mtu || uplink?.master !== link.name;
  if (!uplink || !isNew || mtu <= uplink.mtu) return;
  problems.push({
    code: 'conflict',
    message: `the MTU ${mtu} of ${bridge.name} is more than the ${uplink.mtu} of its uplink ${uplink.name}: longer frames would not get out`,
    fix: bridge.permanent
      ? `Raise the uplink's (ip link set dev ${uplink.name} mtu ${mtu}), or repeat the command with --yes if only guests exchange longer frames.`
      : `Write "mtu": ${uplink.mtu} or leave it out, raise the uplink's (ip link set dev ${uplink.name} mtu ${mtu}), or repeat the command with --yes if only guests exchange longer frames.`,
  });
}
