import type { Boot, Lab, Vm } from '../lab/model.js';
import { MARK_NAMESPACE } from '../lab/names.js';
import { readOwnDomain } from '../lab/xml/domain.js';
import { type CardContext, cardElements } from './cards.js';
import { edited } from './edits.js';
import { domainEdits } from './splice.js';
import { build } from './xml.js';

/** The user's own domain with the lab's name, UUID, mark and network cards. */
export function ownDomainXml(
  lab: Lab,
  vm: Vm,
  { xml }: Extract<Boot, { kind: 'domainXml' }>,
  context: CardContext,
  digest: string,
): string {
  if (xml === null) throw new Error(`the domain XML of ${vm.name} was not read`);
  const text = xml.open();
  const own = readOwnDomain(text);
  if ('fault' in own) throw new Error(`the domain XML of ${vm.name} was let through: ${own.fault.message}`);
  const mark = `<vmnet:endpoint xmlns:vmnet='${MARK_NAMESPACE}' lab='${lab.name}' vm='${vm.name}' digest='${digest}'/>`;
  const edits = domainEdits(text, own.root, {
    name: vm.domain,
    uuid: vm.uuid,
    mark: { namespace: MARK_NAMESPACE, xml: mark },
    interfaces: cardElements(lab, vm, context).map(element => build('interface', element)),
  });
  return edited(text, edits);
}
