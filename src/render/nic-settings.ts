import type { Nic, Offload } from '../lab/model.js';
import { OFFLOADS } from '../lab/offloads.js';
import { child, type Element, setAttributes } from './xml.js';

type Side = 'host' | 'guest';

/** libvirt's words for each: what a guest leaves to the host, and what it takes from it. */
const WORDS: Readonly<Record<Offload, Readonly<Partial<Record<Side, readonly string[]>>>>> = {
  csum: { host: ['csum'], guest: ['csum'] },
  gso: { host: ['gso'] },
  tso: { host: ['tso4', 'tso6'], guest: ['tso4', 'tso6'] },
  ecn: { host: ['ecn'], guest: ['ecn'] },
  ufo: { host: ['ufo'], guest: ['ufo'] },
  mrgRxbuf: { host: ['mrg_rxbuf'] },
};

/** What every kind of `<interface>` has: its driver, link, and places in the order of booting and on the bus. */
export function fillSettings(element: Element, nic: Nic): void {
  fillDriver(element, nic);
  if (nic.link) element.link = [{ $: { state: nic.link } }];
  if (nic.boot !== undefined) {
    // A card boots by the program in its ROM.
    delete element.rom;
    element.boot = [{ $: { order: String(nic.boot) } }];
  }
  if (nic.pciSlot !== undefined) element.address = [{ $: pciAddress(nic.pciSlot) }];
}

const pciAddress = (slot: number) => ({
  type: 'pci',
  domain: '0x0000',
  bus: '0x00',
  slot: `0x${slot.toString(16).padStart(2, '0')}`,
  function: '0x0',
});

function fillDriver(element: Element, { queues, vhost, offloads = {} }: Nic): void {
  const driver = child(element, 'driver');
  const { queues: _, ...attributes } = driver.$ ?? {};
  driver.$ = attributes;
  if (vhost !== undefined) setAttributes(driver, { name: vhost ? 'vhost' : 'qemu' });
  if (queues > 1) setAttributes(driver, { queues });
  for (const side of ['host', 'guest'] as const) {
    const words = wordsFor(side, offloads);
    if (Object.keys(words).length > 0) driver[side] = [{ $: words }];
  }
  const isEmpty = Object.keys(driver.$ ?? {}).length === 0 && Object.keys(driver).length === 1;
  if (isEmpty) delete element.driver;
}

const wordsFor = (side: Side, offloads: NonNullable<Nic['offloads']>) =>
  Object.fromEntries(
    OFFLOADS.flatMap(name => {
      const on = offloads[name];
      return on === undefined
        ? []
        : (WORDS[name][side] ?? []).map(word => [word, on ? 'on' : 'off'] as const);
    }),
  );
