import type { Nic, Vlan } from '../lab/model.js';
import { commonOf } from './interface.js';
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
  const offloads = userspace && nic.model === 'virtio';
  if (!offloads && nic.queues === 1) delete element.driver;
  if (offloads) withoutOffloads(child(element, 'driver'));
  if (nic.queues > 1) setAttributes(child(element, 'driver'), { queues: nic.queues });
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

/** Features by which a guest leaves checksums or segments to the host. */
const HOST = ['csum', 'gso', 'tso4', 'tso6', 'ecn', 'ufo'];
const GUEST = ['csum', 'tso4', 'tso6', 'ecn', 'ufo'];

/**
 * In user space Open vSwitch reads a tap by a packet socket, which does not tell that a checksum is still to be
 * filled in: TCP and UDP of a guest that leaves them to its card would arrive broken.
 */
function withoutOffloads(driver: Element): void {
  const off = (names: readonly string[]) => [{ $: Object.fromEntries(names.map(name => [name, 'off'])) }];
  setAttributes(driver, { name: 'qemu' });
  driver.host = off(HOST);
  driver.guest = off(GUEST);
}
