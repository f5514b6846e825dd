import type { Drivers } from '../drivers/drivers.js';
import { findRecord } from '../host/records.js';
import { type Card, cardsOf, compared } from '../plan/cards.js';
import { cardsFor } from '../plan/existing.js';
import type { DomainBefore } from '../plan/model.js';

/**
 * Bring the definition of a domain that is not ours back to what the lab's record has of it. What somebody else changed
 * in it meanwhile stays: then only our cards go, and come.
 */
export async function restoreDomain(
  { name, uuid, lab, to }: DomainBefore,
  drivers: Drivers,
  tell: (line: string) => void,
): Promise<void> {
  const before = (await findRecord(lab, drivers))?.existing?.[uuid];
  const earlier = before?.[to] ?? null;
  const libvirt = await drivers.libvirt();
  const read = () => libvirt.domainXml(uuid, { inactive: true, secure: true }, { name });
  const now = await read();
  const isOurs = cardsFor(lab, before?.vms ?? []);
  const cause = earlier === null ? 'theirs' : compared(earlier, now, isOurs);
  if (cause === 'same') return;
  if (cause === 'ours') {
    await libvirt.defineDomain(earlier ?? '');
    return;
  }
  const config = { live: false, config: true };
  const [wanted, present] = [cardsOf(earlier ?? '').filter(isOurs), cardsOf(now).filter(isOurs)];
  const lacks = (cards: readonly Card[]) => (card: Card) => !cards.some(({ alias }) => alias === card.alias);
  for (const card of present.filter(lacks(wanted)))
    await libvirt.detachDevice(uuid, card.xml, config, { name });
  for (const card of wanted.filter(lacks(present)))
    await libvirt.attachDevice(uuid, card.xml, config, { name });
  tell(`somebody else changed the definition of ${name} meanwhile: that stays`);
}
