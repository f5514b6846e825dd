import type { Lab, Vm } from '../model.js';
import type { Path, Report } from '../problem.js';
import { quote, quotePath } from '../quote.js';
import { type OwnCard, readOwnDomain } from '../xml/domain.js';

/**
 * Network cards that domain XMLs have without vmnet, against those of the lab, whose MACs and names may be derived.
 * @param placeOf where a VM says what it boots
 */
export function checkOwnCards(lab: Lab, placeOf: (vm: string) => Path, report: Report): void {
  const own = lab.vms.flatMap(vm => cardsOf(vm).map(card => ({ vm, ...card })));
  if (own.length === 0) return;
  const macs = new Map<string, string>();
  const names = new Map<string, string>(lab.bridges.map(({ name }) => [name, `the bridge ${quote(name)}`]));
  for (const { vm, index, mac, tap } of [...lab.vms, ...lab.namespaces].flatMap(({ nics }) => nics)) {
    macs.set(mac, `${quote(vm)}, NIC ${index}, of the lab`);
    names.set(tap, `${quote(vm)}, NIC ${index}, of the lab`);
  }
  for (const { vm, file, mac, target, line } of own) {
    const start = `the domainXml ${quotePath(file)}, line ${line}: its <interface> has`;
    const ofMac = mac === null ? undefined : macs.get(mac);
    if (mac !== null && ofMac !== undefined)
      report(placeOf(vm.name), `${start} the MAC ${quote(mac)}, which is that of ${ofMac}, too`, FIX_MAC);
    else if (mac !== null) macs.set(mac, `VM ${quote(vm.name)}, in its own XML`);
    const ofName = target === null ? undefined : names.get(target);
    if (target !== null && ofName !== undefined)
      report(
        placeOf(vm.name),
        `${start} the name ${quote(target)}, which is that of ${ofName}, too`,
        FIX_NAME,
      );
    else if (target !== null) names.set(target, `VM ${quote(vm.name)}, in its own XML`);
  }
}

const FIX_MAC =
  'take the <interface> out, where it is the one that vmnet adds; or its <mac>, so that libvirt chooses one';
const FIX_NAME =
  'take the <interface> out, where it is the one that vmnet adds; or its <target>, so that libvirt chooses one';

function cardsOf({ boot }: Vm): (OwnCard & { readonly file: string })[] {
  if (boot.kind !== 'domainXml' || boot.xml === null) return [];
  const own = readOwnDomain(boot.xml.open());
  return 'fault' in own ? [] : own.cards.map(card => ({ ...card, file: boot.file }));
}
