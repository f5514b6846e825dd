import type { RawLab } from '../file.js';
import type { Nic } from '../model.js';
import { NO_OFFLOADS, OFFLOADS } from '../offloads.js';

type RawNic = NonNullable<RawLab['vms']>[string]['nics'][number];
type Card = Pick<Nic, 'link' | 'boot' | 'pciSlot' | 'offloads' | 'vhost'>;

/** What the guest sees of its card beside model and queues; defaults are left out. */
export function buildCard({ link, boot, pciSlot, offloads, vhost }: RawNic): Card {
  const known = offloads === undefined ? {} : offloadsOf(offloads);
  const slot = pciSlot === undefined ? null : slotNumber(pciSlot);
  return {
    ...(link === 'down' ? { link } : {}),
    ...(boot === undefined ? {} : { boot }),
    ...(slot === null ? {} : { pciSlot: slot }),
    ...(Object.keys(known).length === 0 ? {} : { offloads: known }),
    ...(typeof vhost === 'boolean' ? { vhost } : {}),
  };
}

function offloadsOf(offloads: NonNullable<RawNic['offloads']>): NonNullable<Nic['offloads']> {
  if (offloads === false) return NO_OFFLOADS;
  // In one order, whatever the file's.
  return Object.fromEntries(
    OFFLOADS.flatMap(name => (offloads[name] === undefined ? [] : [[name, offloads[name]]])),
  );
}

/** A slot of the root bus, written as a number or in hexadecimal; null where there is no such. Slot 0 and 31 are the chipset's. */
export function slotNumber(slot: number | string): number | null {
  const number =
    typeof slot === 'number' ? slot : /^0x[0-9a-f]{1,2}$/i.test(slot) ? Number(slot) : Number.NaN;
  return Number.isInteger(number) && number >= 1 && number <= 30 ? number : null;
}
