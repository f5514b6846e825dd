import { children, type Element } from './xml.js';

/** Places for NICs that a running guest may get; libvirt itself leaves one. They cost a guest nothing that can be measured. */
const SPARE = 4;

/** PCI Express root ports, one for each device and some more: nothing can be plugged into pcie.0 itself. */
export function rootPorts(devices: Element): Element[] {
  const used = ['disk', 'interface'].flatMap(name => children(devices, name)).length;
  return [
    { $: { type: 'pci', index: '0', model: 'pcie-root' } },
    ...Array.from({ length: used + SPARE }, (_, i) => ({
      $: { type: 'pci', index: String(i + 1), model: 'pcie-root-port' },
    })),
  ];
}
