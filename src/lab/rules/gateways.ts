import { type Cidr, contains, isLinkLocal, parseCidr, parseHost, subnetText } from '../cidr.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { hostFix } from './cidr-fault.js';
import { nicsOf, textsAt } from './walk.js';

/** A gateway is a neighbour: it has to be on a subnet of its NIC, and there is one for each family. */
export function checkGateways(lab: LooseLab, report: Report): void {
  for (const { nic, path } of nicsOf(lab)) {
    if (nic.gateway === undefined) continue;
    const subnets = textsAt(nic.address, path).flatMap(({ text }) => parseCidr(text) ?? []);
    const families = new Set<number>();
    for (const { text, path: at } of textsAt(nic.gateway, [...path, 'gateway'])) {
      const gateway = readGateway(text, at, report);
      if (gateway === null) continue;
      if (families.has(gateway.family))
        report(at, `there are two gateways for IPv${gateway.family}`, 'leave one of them out');
      families.add(gateway.family);
      checkReach(gateway, subnets, at, report);
    }
  }
}

function readGateway(text: string, path: Path, report: Report): Cidr | null {
  const gateway = parseHost(text);
  if (gateway === null) report(path, `${quote(text)} is not an IP address`, hostFix(text));
  return gateway;
}

function checkReach(gateway: Cidr, subnets: readonly Cidr[], path: Path, report: Report): void {
  const { address, family } = gateway;
  // Link-local ones are on every link.
  if (isLinkLocal(gateway)) return;
  const same = subnets.filter(subnet => subnet.family === family);
  const [subnet] = same;
  if (subnet === undefined) {
    report(
      path,
      `the gateway ${address} needs an IPv${family} address of the NIC beside it`,
      `add one to "address", such as "${address}/${family === 4 ? 24 : 64}" with another last part`,
    );
    return;
  }
  if (same.some(one => one.value === gateway.value))
    report(
      path,
      `the gateway ${address} is the address of the NIC itself`,
      `name another machine in ${subnetText(subnet)}`,
    );
  else if (!same.some(one => contains(one, gateway)))
    report(
      path,
      `the gateway ${address} is outside the subnets of its NIC`,
      `name one in ${same.map(subnetText).join(' or ')}`,
    );
}
