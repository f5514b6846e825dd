/** A network card in a domain's XML as libvirt writes it, of which the text matters: it goes back as it is. */
export interface Card {
  readonly mac: string;
  readonly target: string | null;
  readonly alias: string | null;
  /** The element, without the place that libvirt gave it on its bus. */
  readonly xml: string;
}

/** Four spaces are the level below `<devices>`; `<metadata>`, which may hold anything, comes before. */
const CARD = /^ {4}<interface [\s\S]*?^ {4}<\/interface>\n/gm;
const PCI_CONTROLLER = /^ {4}<controller type='pci' [^>]*(?:\/>\n|[^/]>\n[\s\S]*?^ {4}<\/controller>\n)/gm;

export const cardsOf = (xml: string): Card[] => (devicesOf(xml).match(CARD) ?? []).map(cardOf);

function cardOf(text: string): Card {
  const first = (pattern: RegExp) => pattern.exec(text)?.[1] ?? null;
  return {
    mac: first(/^ {6}<mac address='([^']*)'/m)?.toLowerCase() ?? '',
    target: first(/^ {6}<target dev='([^']*)'/m),
    alias: first(/^ {6}<alias name='([^']*)'/m),
    xml: text.replace(/^ {6}<address type=[^\n]*\n/m, ''),
  };
}

const startOfDevices = (xml: string) => Math.max(0, xml.lastIndexOf('\n  <devices>\n'));
const devicesOf = (xml: string) => xml.slice(startOfDevices(xml));

function inDevices(xml: string, change: (devices: string) => string): string {
  const at = startOfDevices(xml);
  return xml.slice(0, at) + change(xml.slice(at));
}

const without = (xml: string, isGone: (card: Card) => boolean) =>
  inDevices(xml, devices => devices.replace(CARD, text => (isGone(cardOf(text)) ? '' : text)));

/**
 * How a definition came to differ from an earlier one: `ours`: by our cards alone, and by PCI controllers that libvirt
 * added for them and leaves behind; `theirs`: by something else, too.
 */
export function compared(
  earlier: string,
  now: string,
  isOurs: (card: Card) => boolean,
): 'same' | 'ours' | 'theirs' {
  if (earlier === now) return 'same';
  const [old, left] = [without(earlier, isOurs), without(now, isOurs)];
  const had = new Set(devicesOf(old).match(PCI_CONTROLLER) ?? []);
  const pruned = inDevices(left, devices =>
    devices.replace(PCI_CONTROLLER, text => (had.has(text) ? text : '')),
  );
  return pruned === old ? 'ours' : 'theirs';
}
