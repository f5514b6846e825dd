import { children, type Element, parse } from './xml.js';

/** A network card in a domain's XML. */
export interface DomainInterface {
  /** `bridge`, `network`, `ethernet`, `direct`, `user`, … */
  readonly type: string;
  readonly mac: string | null;
  /** The host's end; null where the domain does not run, or there is none. */
  readonly target: string | null;
}

/** The network cards of a domain that may not be ours. Throws xml2js' own error. */
export const interfacesOf = (xml: string): DomainInterface[] =>
  children(parse(xml), 'devices')
    .flatMap(devices => children(devices, 'interface'))
    .map(card => ({
      type: card.$?.type ?? '',
      mac: attribute(card, 'mac', 'address')?.toLowerCase() ?? null,
      target: attribute(card, 'target', 'dev') ?? null,
    }));

const attribute = (card: Element, name: string, key: string) => children(card, name)[0]?.$?.[key];
