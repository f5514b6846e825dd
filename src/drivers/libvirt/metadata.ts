/** A comment, a CDATA section, an instruction, or a tag: with `/` before its name it closes, behind its attributes it is empty. */
const TOKEN =
  /<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(\/?)([^\s/<>!?]+)((?:\s+[^\s=<>/]+=(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/gs;

/**
 * What virDomainGetMetadata would hand over, without asking for it: the attributes of the element in this namespace right
 * under the `<metadata>` of a domain's XML, as libvirt writes it. Null where there is none, undefined where that cannot be
 * told from the text, as where the namespace is declared further up.
 */
export function metadataIn(xml: string, uri: string): string | null | undefined {
  // Before it, libvirt writes no element of others, and all text with its `<` escaped.
  const start = xml.search(/<metadata[\s>]/);
  const end = xml.lastIndexOf('</metadata>');
  const section = start < 0 || end < start ? '' : xml.slice(start, end);
  if (!section.includes(uri)) return null;
  let depth = 0;
  for (const [, closing, name = '', attributes = '', empty] of section.matchAll(TOKEN)) {
    if (name === '') continue;
    if (closing) depth--;
    else {
      const own = depth === 1 ? ownAttributes(name, attributes, uri) : null;
      if (own !== null) return empty ? `<${own}/>` : undefined;
      if (!empty) depth++;
    }
  }
  return undefined;
}

/** Name and attributes without prefix and declaration, if the element declares this namespace for itself. */
function ownAttributes(tag: string, attributes: string, uri: string): string | null {
  const [, prefix = '', name = ''] = /^(?:([^:]*):)?(.*)$/s.exec(tag) ?? [];
  const declaration = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
  const each = [...attributes.matchAll(/([^\s=]+)=("[^"]*"|'[^']*')/g)].map(([, key = '', value = '']) => ({
    key,
    value,
  }));
  if (!each.some(({ key, value }) => key === declaration && value.slice(1, -1) === uri)) return null;
  return [
    name,
    ...each.filter(({ key }) => key !== declaration).map(({ key, value }) => `${key}=${value}`),
  ].join(' ');
}
