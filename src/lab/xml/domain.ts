import { attributeOf, firstNamed, named, unescaped, type XmlElement, type XmlFault } from './model.js';
import { A_DOMAIN, scanXml } from './scan.js';

/** What vmnet has to know of a domain that the user describes in libvirt's own words. */
export interface OwnDomain {
  /** Its root element, with the places of all others. */
  readonly root: XmlElement;
  /** `kvm`, `qemu`, … */
  readonly type: string;
  /** 0 where it cannot be told. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** The network cards that it has without vmnet. */
  readonly cards: readonly OwnCard[];
}

export interface OwnCard {
  /** Lower-case; null where libvirt is to choose one. */
  readonly mac: string | null;
  /** Name of the host's end, where it says one. */
  readonly target: string | null;
  /** From 1. */
  readonly line: number;
}

type Read = OwnDomain | { readonly fault: XmlFault };

/** Copies of a VM share their file, and each is looked at several times. */
let last: { readonly text: string; readonly read: Read } | null = null;

/** Read a domain XML file; what cannot be made a domain of a lab is a fault. */
export function readOwnDomain(text: string): Read {
  if (last?.text !== text) last = { text, read: readText(text) };
  return last.read;
}

function readText(text: string): Read {
  const scanned = scanXml(text);
  if ('fault' in scanned) return scanned;
  const { root } = scanned;
  const fault = domainFault(text, root);
  if (fault !== null) return { fault };
  return {
    root,
    type: attributeOf(root, 'type') ?? '',
    memoryMiB: memoryOf(text, firstNamed(root, 'memory')),
    vcpus: countOf(text, firstNamed(root, 'vcpu')) ?? 1,
    cards: cardsOf(text, root),
  };
}

function domainFault(text: string, root: XmlElement): XmlFault | null {
  const at = (element: XmlElement, message: string, fix: string): XmlFault => ({
    line: lineAt(text, element.start),
    message,
    fix,
  });
  if (root.name !== 'domain')
    return at(root, `its root element is <${root.name.slice(0, 60)}>, not <domain>`, A_DOMAIN);
  if (root.attributes.get('xmlns'))
    return at(
      root,
      'its <domain> is in a namespace by "xmlns", where libvirt finds none of its settings',
      'take that attribute out; xmlns:… with a prefix may stay',
    );
  if (firstNamed(root, 'devices') === undefined)
    return at(root, 'its <domain> has no <devices>, where network cards belong', 'add <devices/>');
  const smbios = systemUuid(text, root);
  return smbios === undefined
    ? null
    : at(
        smbios,
        "its <sysinfo> has a uuid, which libvirt takes only where it is the domain's own, and that one comes from the lab",
        'take that <entry> out: the guest is shown the right one without it',
      );
}

/** `<sysinfo><system><entry name='uuid'>`. */
const systemUuid = (text: string, root: XmlElement): XmlElement | undefined =>
  named(root, 'sysinfo')
    .flatMap(sysinfo => named(sysinfo, 'system'))
    .flatMap(system => named(system, 'entry'))
    .find(entry => attributeOf(entry, 'name') === 'uuid' && wordOf(text, entry) !== '');

function cardsOf(text: string, root: XmlElement): OwnCard[] {
  const elements = named(root, 'devices').flatMap(devices => named(devices, 'interface'));
  let line = 1;
  let at = 0;
  return elements.map(card => {
    // From card to card: there may be a hundred thousand.
    line += lineAt(text.slice(at, card.start), card.start) - 1;
    at = card.start;
    return {
      mac: attributeOf(firstNamed(card, 'mac'), 'address')?.toLowerCase() ?? null,
      target: attributeOf(firstNamed(card, 'target'), 'dev') ?? null,
      line,
    };
  });
}

/** libvirt's words for units of memory, in bytes; "k", "M", … are powers of 1024, and so is no unit at all. */
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 2 ** 10,
  kib: 2 ** 10,
  m: 2 ** 20,
  mib: 2 ** 20,
  g: 2 ** 30,
  gib: 2 ** 30,
  t: 2 ** 40,
  tib: 2 ** 40,
};

function memoryOf(text: string, memory: XmlElement | undefined): number {
  const unit = UNITS[(attributeOf(memory, 'unit') ?? 'KiB').toLowerCase()];
  return Math.ceil(((countOf(text, memory) ?? 0) * (unit ?? 0)) / 2 ** 20);
}

function countOf(text: string, element: XmlElement | undefined): number | null {
  const word = element && wordOf(text, element);
  return word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : null;
}

/** The text of an element without children. */
const wordOf = (text: string, { inner, innerEnd }: XmlElement): string =>
  unescaped(text.slice(inner, innerEnd)).trim();

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split(/\r\n|\n|\r/).length;
