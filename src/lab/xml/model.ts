/** An element and where it stands, in UTF-16 units from the start of the text. */
export interface XmlElement {
  /** With its prefix. */
  readonly name: string;
  /** As written, without the quotes. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Of its `<`. */
  readonly start: number;
  /** Behind its start tag. */
  readonly inner: number;
  /** Before its end tag; {@link inner} where it has none. */
  readonly innerEnd: number;
  /** Behind it. */
  readonly end: number;
  /** `<name/>`. */
  readonly isEmpty: boolean;
  readonly children: readonly XmlElement[];
}

export interface XmlFault {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  readonly fix: string;
}

/** The children of that name that are in no namespace, as all of libvirt's own are. */
export const named = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter(child => child.name === name && !child.attributes.get('xmlns'));

/** The first of them, which libvirt takes. */
export const firstNamed = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element && named(element, name)[0];

/** An attribute's value with its references resolved; undefined where there is none. */
export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  const value = element?.attributes.get(name);
  return value === undefined ? undefined : unescaped(value);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export const unescaped = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
