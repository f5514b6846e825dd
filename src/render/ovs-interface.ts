import type { Nic, Vlan } from '../lab/model.js';
import { NO_OFFLOADS } from '../lab/offloads.js';
import { commonOf } from './interface.js';
import { fillSettings } from './nic-settings.js';
import { child, type Element, setAttributes, template } from './xml.js';

export interface OvsPlace {
  /** null: the port is in no VLAN, and carries all. */
  readonly vlan: Vlan | null;
  /** Switched in user space. */
  readonly userspace: boolean;
}

/** `<interface>` on a bridge of Open vSwitch, whose tap and port libvirt makes and removes with the guest. */
export function ovsInterfaceElement(nic: Nic, bridgeMtu: number, { vlan, userspace }: OvsPlace): Element {
  const element = commonOf(template('ovs-interface.xml'), nic, bridgeMtu);
  setAttributes(child(element, 'source'), { bridge: nic.bridge ?? '' });
  if (vlan === null) delete element.vlan;
  else element.vlan = [vlanElement(vlan)];
  // There Open vSwitch reads a tap by a packet socket, which does not tell that a checksum is still to be filled in:
  // TCP and UDP of a guest that leaves them to its card would arrive broken.
  const isRaw = userspace && nic.model === 'virtio';
  fillSettings(element, isRaw ? { ...nic, vhost: false, offloads: NO_OFFLOADS } : nic);
  return element;
}

function vlanElement(vlan: Vlan): Element {
  const tag = (id: number, more = {}) => ({ $: { id: String(id), ...more } });
  if ('access' in vlan) return { tag: [tag(vlan.access)] };
  const { trunk, native } = vlan;
  const others = trunk.filter(vid => vid !== native).map(vid => tag(vid));
  return {
    $: { trunk: 'yes' },
    tag: [...(native === null ? [] : [tag(native, { nativeMode: 'untagged' })]), ...others],
  };
}
