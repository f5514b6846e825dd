import type { Macvtap, Nic } from '../lab/model.js';
import { fillSettings } from './nic-settings.js';
import { build, child, type Element, setAttributes, template } from './xml.js';

/** MTU that every guest assumes when it is told none, in bytes (RFC 894). */
const ETHERNET_MTU = 1500;

/**
 * `<interface>` for a tap that exists already: libvirt ≥ 9.1 refuses such a tap unless it is
 * `type='ethernet'` with `managed='no'`, and then sets nothing up on it.
 */
export function interfaceElement(nic: Nic, bridgeMtu: number): Element {
  if (nic.macvtap) return macvtapElement(nic, nic.macvtap);
  const element = commonOf(template('interface.xml'), nic, bridgeMtu);
  fillSettings(element, nic);
  return element;
}

/** Fill in what every kind of `<interface>` on a bridge has. */
export function commonOf(element: Element, nic: Nic, bridgeMtu: number): Element {
  setAttributes(child(element, 'mac'), { address: nic.mac });
  setAttributes(child(element, 'target'), { dev: nic.tap });
  setAttributes(child(element, 'model'), { type: nic.model });
  const mtu = nic.mtu ?? bridgeMtu;
  if (nic.model === 'virtio' && mtu !== ETHERNET_MTU) setAttributes(child(element, 'mtu'), { size: mtu });
  else delete element.mtu;
  return element;
}

/** libvirt makes this device and deletes it; it takes no MTU for it. */
function macvtapElement(nic: Nic, { uplink, mode }: Macvtap): Element {
  const element = template('macvtap.xml');
  setAttributes(child(element, 'mac'), { address: nic.mac });
  setAttributes(child(element, 'source'), {
    dev: uplink,
    // The kernel's and ip's word is the shorter one.
    mode: mode === 'passthru' ? 'passthrough' : mode,
  });
  setAttributes(child(element, 'target'), { dev: nic.tap });
  setAttributes(child(element, 'model'), { type: nic.model });
  fillSettings(element, nic);
  return element;
}

/** The same as text, as `vmnet xml` prints it. */
export function renderInterface(nic: Nic, bridgeMtu: number): string {
  return build('interface', interfaceElement(nic, bridgeMtu));
}
