import type { Lab, Vm } from '../lab/model.js';
import { ovsVlan } from '../lab/vlans.js';
import { interfaceElement } from './interface.js';
import { ovsInterfaceElement } from './ovs-interface.js';
import type { Element } from './xml.js';

/** What is known of bridges before their cards are rendered. */
export interface CardContext {
  /** MTU of each bridge in bytes, by name. */
  readonly mtus: Readonly<Record<string, number>>;
  /** Bridges of Open vSwitch that are switched in user space. */
  readonly userspace?: readonly string[];
}

/** The `<interface>` elements of a VM, in the order of its NICs. */
export const cardElements = (lab: Lab, vm: Vm, { mtus, userspace }: CardContext): Element[] =>
  vm.nics.map(nic => {
    const mtu = mtus[nic.bridge ?? ''] ?? 1500;
    const bridge = lab.bridges.find(({ name }) => name === nic.bridge);
    if (bridge?.type !== 'ovs') return interfaceElement(nic, mtu);
    return ovsInterfaceElement(nic, mtu, {
      vlan: ovsVlan(nic, bridge, lab),
      userspace: userspace?.includes(bridge.name) ?? false,
    });
  });
