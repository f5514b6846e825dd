import { createHash } from 'node:crypto';
import type { Lab, Nic } from '../lab/model.js';
import { type CardContext, cardElement } from './cards.js';
import { build } from './xml.js';

/** Start of the alias of each NIC that a lab gives to a domain which is not ours; libvirt keeps those that begin with `ua-`. */
export const aliasStart = (lab: string, vm: string) => `ua-vmnet-${lab}-${vm}-`;

export interface RenderedNic {
  readonly xml: string;
  /** Our mark, unique in its domain: whose NIC it is, and a digest of all that was asked of it. */
  readonly alias: string;
}

/** `<interface>` of a NIC for a domain that is not ours. */
export function renderExistingNic(lab: Lab, nic: Nic, context: CardContext): RenderedNic {
  const element = cardElement(lab, nic, context);
  const digest = createHash('sha256').update(build('interface', element)).digest('hex').slice(0, 8);
  const alias = `${aliasStart(lab.name, nic.vm)}${nic.index}-${digest}`;
  return { xml: build('interface', { ...element, alias: [{ $: { name: alias } }] }), alias };
}
