import { firstNamed, type XmlElement } from '../lab/xml/model.js';
import { appendTo, type Edit, insertBehind, setText } from './edits.js';

/** What vmnet puts into a domain that the user describes. */
export interface DomainParts {
  readonly name: string;
  readonly uuid: string;
  /** One element, which declares its namespace itself. */
  readonly mark: { readonly namespace: string; readonly xml: string };
  /** `<interface>` elements, two spaces a level. */
  readonly interfaces: readonly string[];
}

/**
 * The changes of a domain's text, in its order; none touches another. All that they do not name stays byte for byte.
 * @param root of that text, with `<devices>`
 */
export function domainEdits(text: string, root: XmlElement, parts: DomainParts): Edit[] {
  const [name, uuid, metadata] = ['name', 'uuid', 'metadata'].map(key => firstNamed(root, key));
  const devices = firstNamed(root, 'devices');
  if (devices === undefined) throw new Error('a domain without <devices> was let through');
  const behind = (element: XmlElement | undefined, xml: string) => insertBehind(text, root, element, xml);
  const isSame =
    uuid !== undefined && plainUuid(text.slice(uuid.inner, uuid.innerEnd)) === plainUuid(parts.uuid);
  const edits: (Edit | null)[] = [
    name ? setText(text, name, parts.name) : behind(undefined, `<name>${parts.name}</name>`),
    uuid ? (isSame ? null : setText(text, uuid, parts.uuid)) : behind(name, `<uuid>${parts.uuid}</uuid>`),
    ...(metadata
      ? markEdits(text, root, metadata, parts.mark)
      : [behind(uuid ?? name, `<metadata>\n  ${parts.mark.xml}\n</metadata>`)]),
    ...(parts.interfaces.length === 0 ? [] : [appendTo(text, root, devices, parts.interfaces)]),
  ];
  // What is put in at a place comes before what stands there; else they stay in the order of the list.
  return edits.filter(edit => edit !== null).sort((a, b) => a.start - b.start || a.end - b.end);
}

const plainUuid = (text: string) => text.replace(/[\s-]/g, '').toLowerCase();

/** A domain that vmnet itself once printed has a mark already: libvirt keeps one for each namespace. */
function markEdits(text: string, root: XmlElement, metadata: XmlElement, mark: DomainParts['mark']): Edit[] {
  const [first, ...others] = metadata.children.filter(
    child => namespaceOf(child, [metadata, root]) === mark.namespace,
  );
  if (first === undefined) return [appendTo(text, root, metadata, [mark.xml])];
  return [
    { start: first.start, end: first.end, text: mark.xml },
    ...others.map(({ start, end }) => ({ start, end, text: '' })),
  ];
}

function namespaceOf(element: XmlElement, parents: readonly XmlElement[]): string | undefined {
  const prefix = /^([^:]*):/.exec(element.name)?.[1];
  const key = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`;
  return [element, ...parents].find(({ attributes }) => attributes.has(key))?.attributes.get(key);
}
