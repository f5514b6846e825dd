import { parseCidr } from '../cidr.js';
import { HOST } from '../names.js';
import type { Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { didYouMean } from '../suggest.js';
import { type AtInner, endsOf, innersOf, namespacesOf, textsAt } from './walk.js';

/** In each namespace every interface has a name, and an address, of its own; every link leads from one place to another. */
export function checkInterfaces(lab: LooseLab, report: Report): void {
  const names = namespacesOf(lab).map(({ name }) => name);
  for (const end of endsOf(lab)) checkNamespace(end, names, report);
  checkOwnNames(innersOf(lab), report);
  checkOwnAddresses(innersOf(lab), report);
  for (const [position, [a, b]] of byLink(lab)) {
    if (a?.namespace === undefined || a.namespace !== b?.namespace || a.name === b.name) continue;
    report(
      ['links', position],
      `both ends of link ${position} are in ${a.namespace === HOST ? 'the host itself' : `namespace ${quote(a.namespace)}`}, where frames between them would never use the wire`,
      'put one of them in another namespace',
    );
  }
}

/** The ends of each link, by its position. */
function byLink(lab: LooseLab): Map<number, AtInner[]> {
  const found = new Map<number, AtInner[]>();
  for (const end of endsOf(lab))
    if ('link' in end.at) found.set(end.at.link, [...(found.get(end.at.link) ?? []), end]);
  return found;
}

function checkNamespace({ namespace, name, path }: AtInner, names: readonly string[], report: Report): void {
  if (namespace === undefined) return;
  if (name === '') {
    report(
      path,
      `${quote(namespace)} does not say which interface`,
      'write "NAMESPACE:INTERFACE", such as "a:eth1"',
    );
    return;
  }
  if (namespace === HOST || names.includes(namespace)) return;
  const fix = didYouMean(namespace, [...names, HOST], 'add it to "namespaces", or use one of:');
  report(path, `the lab has no namespace ${quote(namespace)}`, fix);
}

function checkOwnNames(inners: readonly AtInner[], report: Report): void {
  const seen = new Map<string, string>();
  for (const { namespace, name, who, path } of inners) {
    if (!namespace || !name) continue;
    const other = seen.get(`${namespace}:${name}`);
    if (other === undefined) seen.set(`${namespace}:${name}`, who);
    // The host's interfaces are looked at with the taps.
    else if (namespace !== HOST)
      report(
        path,
        `the interface ${quote(name)} in namespace ${quote(namespace)} is also that of ${other}`,
        'give one of the two another name',
      );
  }
}

function checkOwnAddresses(inners: readonly AtInner[], report: Report): void {
  const seen = new Map<string, AtInner>();
  for (const inner of inners) {
    for (const { text, path } of textsAt(inner.address, [...inner.path, 'address'])) {
      const cidr = parseCidr(text);
      if (cidr === null || inner.namespace === undefined || inner.namespace === HOST) continue;
      const key = `${inner.namespace} ${cidr.family} ${cidr.value}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, inner);
      else if (JSON.stringify(other.at) !== JSON.stringify(inner.at))
        report(
          path,
          `the address ${cidr.address} is also that of ${other.who}, in the same namespace`,
          'change one of the two',
        );
    }
  }
}
