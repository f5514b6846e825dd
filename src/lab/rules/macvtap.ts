import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { interfaceFault, UPLINK } from './names.js';
import { type AtNic, bridgesOf, nicsOf } from './walk.js';

/** A NIC hangs on a bridge of the lab, or, as a macvtap, on an interface of the host that no bridge has. */
export function checkMacvtaps(lab: LooseLab, report: Report): void {
  const nics = nicsOf(lab);
  for (const at of nics) {
    const hasShape = lab.vms?.[at.vm]?.nics?.[at.index] !== undefined;
    if (!hasShape || ('type' in at.nic && at.nic.type === undefined)) continue;
    if (at.nic.type === 'macvtap') checkKeys(at, report);
    else checkBridged(at, report);
  }
  const macvtaps = nics.filter(({ nic }) => nic.type === 'macvtap');
  checkUplinks(lab, macvtaps, report);
  checkPassthru(macvtaps, report);
}

const PORT_KEYS = ['isolated', 'antiSpoof', 'guard', 'bandwidth', 'impair'] as const;

const who = ({ vm, index }: AtNic) => `VM ${quote(vm)}, NIC ${index}`;

function checkBridged(at: AtNic, report: Report): void {
  const { nic, path } = at;
  const [key] = (['uplink', 'mode'] as const).filter(candidate => candidate in nic);
  if (key !== undefined) {
    const message = `${who(at)} has ${quote(key)}, which only a macvtap has`;
    report([...path, key], message, 'add "type": "macvtap", or name its "bridge" instead');
  } else if (!('bridge' in nic)) {
    report([...path, 'bridge'], '"bridge" is missing', 'add it: the name of one of the bridges of this lab');
  }
}

function checkKeys(at: AtNic, report: Report): void {
  const { nic, path } = at;
  if ('bridge' in nic) {
    const message = `${who(at)} is a macvtap, which is on no bridge`;
    report([...path, 'bridge'], message, 'take "bridge" out, or "type", "uplink" and "mode"');
  }
  if (!('uplink' in nic)) {
    const message = `${who(at)} is a macvtap without an uplink`;
    report([...path, 'uplink'], message, 'add it: "uplink": "eth0"; "ip link" lists the interfaces');
  }
  if ('mtu' in nic) {
    const message = `${who(at)} is a macvtap, whose MTU is that of its uplink`;
    report([...path, 'mtu'], message, 'take "mtu" out, and set that of the uplink, or within the guest');
  }
  for (const key of PORT_KEYS.filter(key => key in nic)) {
    const message = `${who(at)} is a macvtap, and ${quote(key)} is a rule on the port of a bridge`;
    report([...path, key], message, `take ${quote(key)} out, or put the NIC on a bridge`);
  }
}

/** Both macvtap and bridge take all that comes in at an interface: the kernel lets only one of them. */
function checkUplinks(lab: LooseLab, macvtaps: readonly AtNic[], report: Report): void {
  const bridges = bridgesOf(lab);
  const taps = new Map(nicsOf(lab).flatMap(at => (at.nic.tap === undefined ? [] : [[at.nic.tap, at]])));
  for (const { nic, path } of macvtaps) {
    if (nic.uplink === undefined) continue;
    const at = [...path, 'uplink'];
    const name = quote(nic.uplink);
    const fault = interfaceFault(nic.uplink, UPLINK);
    const bridge = bridges.find(({ bridge }) => bridge.uplink === nic.uplink);
    const tap = taps.get(nic.uplink);
    if (fault !== null) report(at, fault.message, fault.fix);
    else if (bridge)
      report(
        at,
        `the uplink ${name} is a port of bridge ${quote(bridge.name)}, and the kernel takes no macvtap on a bridge's port`,
        `put the NIC on that bridge: "bridge": ${quote(bridge.name)}, or name another uplink`,
      );
    else if (bridges.some(({ name }) => name === nic.uplink))
      report(
        at,
        `${name} is a bridge of this lab, not an uplink`,
        `put the NIC on it: "bridge": ${name}, without "type", "uplink" and "mode"`,
      );
    else if (tap)
      report(
        at,
        `${name} is the tap of ${who(tap)}, not an uplink`,
        'name a physical interface of the host; "ip link" lists them',
      );
  }
}

/** A macvtap in passthru mode has its uplink for itself, whatever the modes of others. */
function checkPassthru(macvtaps: readonly AtNic[], report: Report): void {
  for (const at of macvtaps) {
    if (at.nic.mode !== 'passthru' || at.nic.uplink === undefined) continue;
    const other = macvtaps.find(candidate => candidate !== at && candidate.nic.uplink === at.nic.uplink);
    if (other === undefined) continue;
    const message = `${who(at)} wants ${quote(at.nic.uplink)} for itself (passthru), which ${who(other)} uses, too`;
    report([...at.path, 'mode'], message, 'write "bridge" for both, or give each an uplink of its own');
  }
}
