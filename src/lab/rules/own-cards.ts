import type { Lab, Vm } from '../model.js';
import { nicsOf } from '../nics.js';
import type { Path, Report } from '../problem.js';
import { quote, quotePath } from '../quote.js';
import { type OwnCard, readOwnDomain } from '../xml/domain.js';

/**
 * Network cards that domain XMLs have without vmnet, against those of the lab, whose MACs and names may be derived.
 * @param placeOf where a VM says what it boots
 */
export function checkOwnCards(lab: Lab, placeOf: (vm: string) => Path, report: Report): void {
  const vms = lab.vms.filter(({ boot }) => boot.kind === 'domainXml');
  if (vms.length === 0) return;
  const macs = new Map<string, string>();
  const names = new Map<string, string>(lab.bridges.map(({ name }) => [name, `the bridge ${quote(name)}`]));
  for (const { vm, index, mac, tap } of nicsOf(lab)) {
    macs.set(mac, `NIC ${index} of ${quote(vm)}`);
    names.set(tap, `NIC ${index} of ${quote(vm)}`);
  }
  let left = MOST;
  const tell = (vm: Vm, message: string, fix: string) => {
    if (left-- > 0) report(placeOf(vm.name), message, fix);
  };
  for (const vm of vms) {
    const who = `the domain XML of VM ${quote(vm.name)}`;
    for (const { mac, target, line } of cardsOf(vm)) {
      const has = `${fileOf(vm)} of VM ${quote(vm.name)}, line ${line}: its <interface> has`;
      const [ofMac, ofName] = [macs.get(mac ?? ''), names.get(target ?? '')];
      if (ofMac) tell(vm, `${has} the MAC ${quote(mac ?? '')}, which ${ofMac} has, too`, FIX_MAC);
      if (ofName) tell(vm, `${has} the name ${quote(target ?? '')}, which ${ofName} has, too`, FIX_NAME);
      if (mac !== null && !ofMac) macs.set(mac, who);
      if (target !== null && !ofName) names.set(target, who);
      if (left <= 0) return;
    }
  }
}

/** As many as people read: a file may have a hundred thousand cards. */
const MOST = 40;

const fileOf = ({ boot }: Vm) => (boot.kind === 'domainXml' ? `the domainXml ${quotePath(boot.file)}` : '');

const FIX_MAC =
  'take the <interface> out, where it is the one that vmnet adds; or its <mac>, so that libvirt chooses one';
const FIX_NAME =
  'take the <interface> out, where it is the one that vmnet adds; or its <target>, so that libvirt chooses one';

function cardsOf({ boot }: Vm): readonly OwnCard[] {
  const own = boot.kind === 'domainXml' && boot.xml !== null ? readOwnDomain(boot.xml.open()) : null;
  return own === null || 'fault' in own ? [] : own.cards;
}
