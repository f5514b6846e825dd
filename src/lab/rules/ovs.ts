import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { subInterfaceOf } from '../vlans.js';
import { bridgesOf, type LooseBridge } from './walk.js';

/** What a bridge of Open vSwitch is not, or not yet. */
export function checkOvs(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab))
    if (bridge.type === 'ovs')
      checkBridge(`the bridge ${quote(name)} is one of Open vSwitch`, bridge, path, report);
}

function checkBridge(who: string, bridge: LooseBridge, path: Path, report: Report): void {
  if (bridge.address === 'inherit')
    report(
      [...path, 'address'],
      `${who}, to which the addresses of an uplink do not move`,
      'give the bridge its own ("address": "192.168.1.2/24") or none, and keep the host reachable by another interface; or use "type": "linux"',
    );
  if (bridge.permanent === true)
    report(
      [...path, 'permanent'],
      `${who}, and only a Linux bridge can be permanent`,
      'take "permanent" out',
    );
  if ('vlanFiltering' in bridge)
    report(
      [...path, 'vlanFiltering'],
      `${who}, which always keeps VLANs apart`,
      'take "vlanFiltering" out: it is for Linux bridges',
    );
  if ('forwardDelay' in bridge)
    report([...path, 'forwardDelay'], `${who}, whose ports forward at once`, 'take "forwardDelay" out');
  if (bridge.bridgeNetfilter === 'off')
    report(
      [...path, 'bridgeNetfilter'],
      `${who}, whose frames never pass br_netfilter`,
      'take "bridgeNetfilter" out',
    );
  if (bridge.uplink !== undefined && subInterfaceOf(bridge.uplink) !== null)
    report(
      [...path, 'uplink'],
      `${who}, which tags frames itself: it needs no VLAN interface such as ${quote(bridge.uplink)}`,
      `name ${quote(subInterfaceOf(bridge.uplink)?.parent ?? '')}, and give the NICs a "vlan"`,
    );
}
