import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { subInterfaceOf } from '../vlans.js';
import { bridgesOf, innerNicsOf, type LooseBridge, nicSetting, nicsOf } from './walk.js';

/** What a bridge of Open vSwitch is not, or not yet. */
export function checkOvs(lab: LooseLab, report: Report): void {
  for (const { name, bridge, path } of bridgesOf(lab))
    if (bridge.type === 'ovs')
      checkBridge(`the bridge ${quote(name)} is one of Open vSwitch`, bridge, path, report);
  checkPorts(lab, report);
  for (const { who, at, path } of innerNicsOf(lab))
    if ('bridge' in at && isOvs(lab, at.bridge))
      report(
        [...path, 'bridge'],
        `${who} would be a port of ${quote(at.bridge ?? '')}, a bridge of Open vSwitch, which takes only NICs of VMs`,
        'name a bridge of "type": "linux"',
      );
}

const isOvs = (lab: LooseLab, bridge: string | undefined) => lab.bridges?.[bridge ?? '']?.type === 'ovs';

const PORT_KEYS = ['isolated', 'antiSpoof', 'guard', 'bandwidth', 'impair'] as const;

/** Rules on ports are nftables' and the Linux bridge's own, and neither sees anything of Open vSwitch. */
function checkPorts(lab: LooseLab, report: Report): void {
  const told = new Set<string>();
  for (const at of nicsOf(lab).filter(({ nic }) => isOvs(lab, nic.bridge)))
    for (const key of PORT_KEYS) {
      const { value, path } = nicSetting(lab, at, key);
      if (isNothing(value) || told.has(path.join('/'))) continue;
      told.add(path.join('/'));
      report(
        path,
        `VM ${quote(at.vm)}, NIC ${at.index} has ${quote(key)}, which ports of Open vSwitch do not have, and ${quote(at.nic.bridge ?? '')} is a bridge of that`,
        path[0] === 'defaults'
          ? `take ${quote(key)} out of the defaults and give it to NICs of Linux bridges, or use "type": "linux"`
          : `take ${quote(key)} out, or use "type": "linux" for the bridge`,
      );
    }
}

/** As good as not written. */
const isNothing = (value: unknown) =>
  value === undefined || value === false || value === 'off' || (Array.isArray(value) && value.length === 0);

function checkBridge(who: string, bridge: LooseBridge, path: Path, report: Report): void {
  if (bridge.address === 'inherit')
    report(
      [...path, 'address'],
      `${who}, to which the addresses of an uplink do not move`,
      'give the bridge its own ("address": "192.168.1.2/24") or none, and keep the host reachable by another interface; or use "type": "linux"',
    );
  if (bridge.mode !== undefined && bridge.mode !== 'bridged')
    report(
      [...path, 'mode'],
      `${who}, which only switches: it cannot be ${quote(bridge.mode)}`,
      'take "mode" out, or use "type": "linux"',
    );
  if (bridge.docker === 'allow')
    report([...path, 'docker'], `${who}, of which the host forwards nothing`, 'take "docker" out');
  if (bridge.address === 'auto')
    report(
      [...path, 'address'],
      `${who}, for which no subnet is chosen`,
      'write the address of the host on it, such as "10.77.0.1/24", or use "type": "linux"',
    );
  if ('dhcp' in bridge && bridge.dhcp !== false)
    report(
      [...path, 'dhcp'],
      `${who}, on which vmnet serves no DHCP`,
      'take "dhcp" out, or use "type": "linux"',
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
