import { type Cidr, contains, parseCidr, parseIp, subnetText } from '../cidr.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { didYouMean } from '../suggest.js';
import { cidrFault } from './cidr-fault.js';
import { innersOf, namespacesOf, textsAt } from './walk.js';

/** Each route has a subnet, and a gateway that the namespace reaches without another: else the kernel refuses it. */
export function checkRoutes(lab: LooseLab, report: Report): void {
  const inners = innersOf(lab);
  for (const { name, namespace, path } of namespacesOf(lab)) {
    const own = inners
      .filter(inner => inner.namespace === name)
      .flatMap(({ address }) => textsAt(address, []))
      .flatMap(({ text }) => parseCidr(text) ?? []);
    const seen = new Map<string, number>();
    for (const [index, route] of (namespace.routes ?? []).entries()) {
      const at = [...path, 'routes', index];
      const via = checkGateway(route?.via, name, own, [...at, 'via'], report);
      const to = checkSubnet(route?.to, via, [...at, 'to'], report);
      if (to === null) continue;
      const other = seen.get(to);
      if (other === undefined) seen.set(to, index);
      else
        report(
          at,
          `the route to ${route?.to} is there twice, first as routes[${other}]`,
          'take one of them out',
        );
    }
  }
}

/** Its address with the full prefix; null where that is not to be had. */
function checkGateway(
  via: string | undefined,
  namespace: string,
  own: readonly Cidr[],
  path: Path,
  report: Report,
): Cidr | null {
  if (via === undefined) return null;
  const parsed = parseIp(via);
  if (parsed === null) {
    report(
      path,
      `${quote(via)} is not an address`,
      'write one such as "192.168.1.1" or "fd00::1", without prefix',
    );
    return null;
  }
  const gateway = parseCidr(`${via}/${parsed.family === 4 ? 32 : 128}`);
  if (gateway === null) return null;
  const same = own.find(({ family, value }) => family === gateway.family && value === gateway.value);
  if (same) {
    report(
      path,
      `the gateway ${gateway.address} is the namespace's own address`,
      'name the address of another machine',
    );
    return gateway;
  }
  const subnets = own.filter(({ family }) => family === gateway.family);
  if (subnets.some(subnet => contains(subnet, gateway))) return gateway;
  report(
    path,
    `the gateway ${gateway.address} is outside the subnets of namespace ${quote(namespace)}`,
    subnets.length === 0
      ? `give one of its interfaces an IPv${gateway.family} address first`
      : `choose one in ${subnets.map(subnetText).join(' or ')}`,
  );
  return gateway;
}

/** The subnet as a key; null where it has a fault of its own. */
function checkSubnet(to: string | undefined, via: Cidr | null, path: Path, report: Report): string | null {
  if (to === undefined) return null;
  if (to === 'default') return via === null ? null : `default ${via.family}`;
  const cidr = parseCidr(to);
  if (cidr === null) {
    const fault = cidrFault(to);
    report(
      path,
      fault.message,
      /^[a-z]+$/i.test(to) ? didYouMean(to, ['default'], 'write "default" or a subnet') : fault.fix,
    );
    return null;
  }
  if (cidr.value !== cidr.network) {
    report(path, `${quote(to)} is an address, and a route leads to a subnet`, `write "${subnetText(cidr)}"`);
    return null;
  }
  if (via !== null && via.family !== cidr.family) {
    report(
      path,
      `${quote(to)} is IPv${cidr.family}, and its gateway IPv${via.family}`,
      'give both the same family',
    );
    return null;
  }
  return subnetText(cidr);
}
