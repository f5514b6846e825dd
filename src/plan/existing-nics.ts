import type { ExistingDomain } from '../host/model.js';
import type { Nic } from '../lab/model.js';
import { printable } from '../lab/quote.js';
import type { RenderedNic } from '../render/existing.js';
import { type Card, cardsOf } from './cards.js';
import type { Action, NicChange, Step } from './model.js';

// The steps by which a domain that vmnet did not make gets NICs, loses them, and has its definition as it was.

/** Where a domain has a card, by its alias: in the running guest, in its definition, or both. */
function cardsIn({ xml, liveXml }: ExistingDomain): Map<string, Card & { live: boolean; config: boolean }> {
  const live = new Map(cardsOf(liveXml ?? '').map(card => [card.alias ?? '', card]));
  const config = new Map(cardsOf(xml ?? '').map(card => [card.alias ?? '', card]));
  return new Map(
    [...live, ...config].map(([alias, card]) => [
      alias,
      { ...card, live: live.has(alias), config: config.has(alias) },
    ]),
  );
}

const where = ({ live, config }: { live: boolean; config: boolean }) =>
  live && config ? '' : live ? ', in the running guest' : ', in its definition';

export function attachSteps(
  domain: ExistingDomain,
  lab: string,
  nics: ReadonlyMap<string, [Nic, RenderedNic]>,
): Step[] {
  const has = cardsIn(domain);
  return [...nics].flatMap(([alias, [nic, { xml }]]) => {
    const present = has.get(alias);
    const live = domain.liveXml !== null && !present?.live;
    const config = domain.xml !== null && !present?.config;
    if (!live && !config) return [];
    const change = changeOf(domain, { mac: nic.mac, xml }, live, config);
    return {
      title: `give ${printable(domain.name)} a NIC on ${nic.bridge ?? nic.macvtap?.uplink ?? ''} (${nic.vm}, NIC ${nic.index}${where({ live, config })})`,
      why: 'the lab names it and the domain has none',
      do: [{ kind: 'plug', ...change }],
      undo: [...liveOnly('unplug', change), ...(config ? [restore(domain, lab, 'last')] : [])],
    };
  });
}

export function detachSteps(
  domain: ExistingDomain,
  lab: string,
  isGone: (card: Card) => boolean,
  why: string,
  { config: both = true } = {},
): Step[] {
  return [...cardsIn(domain).values()].filter(isGone).flatMap(card => {
    const config = both && card.config;
    if (!card.live && !config) return [];
    const change = changeOf(domain, card, card.live, config);
    return {
      title: `take the NIC ${card.mac} out of ${printable(domain.name)}${both ? where(card) : ', in the running guest'}`,
      why,
      do: [{ kind: 'unplug', ...change }],
      undo: [...liveOnly('plug', change), ...(config ? [restore(domain, lab, 'last')] : [])],
    };
  });
}

export function restoreSteps(domain: ExistingDomain, lab: string): Step[] {
  if (domain.xml === null) return [];
  return [
    {
      title: `have the definition of ${printable(domain.name)} as it was`,
      why: 'no NIC of the lab is left in it',
      do: [restore(domain, lab, 'first')],
      undo: [restore(domain, lab, 'last')],
    },
  ];
}

const changeOf = (
  { name, uuid }: ExistingDomain,
  { mac, xml }: { mac: string; xml: string },
  live: boolean,
  config: boolean,
): NicChange => ({ name, uuid, mac, xml, live, config });

const liveOnly = (kind: 'plug' | 'unplug', change: NicChange): Action[] =>
  change.live ? [{ kind, ...change, config: false }] : [];

const restore = ({ name, uuid }: ExistingDomain, lab: string, to: 'first' | 'last'): Action => ({
  kind: 'restore-domain',
  name,
  uuid,
  lab,
  to,
});
