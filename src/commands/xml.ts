import { VmnetError } from '../errors.js';
import { observeHost } from '../host/observe.js';
import { isExisting } from '../lab/existing.js';
import { loadLab } from '../lab/load.js';
import type { Lab, Vm } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { bridgeMtus } from '../plan/bridge.js';
import { renderDomain } from '../render/domain.js';
import { renderExistingNic } from '../render/existing.js';
import { renderInterface } from '../render/interface.js';
import type { Context, Outcome } from './command.js';
import { chooseAccel, prepareRender } from './prepare.js';

export interface XmlFlags {
  /** Only the network cards, for a domain that vmnet does not define. */
  readonly interfaces?: boolean;
  /** Only this card, counted from 0. */
  readonly nic?: string;
}

/** Print the domain XML that provision would define, of one VM or of all; or of their network cards alone, which is all of a domain that is not ours. */
export async function xml(
  file: string,
  vm: string | undefined,
  flags: XmlFlags,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await loadLab(file);
  const chosen = lab.vms.filter(({ name }) => vm === undefined || name === vm);
  if (chosen.length === 0) {
    throw new VmnetError(
      'usage',
      `the lab ${lab.name} has no VM ${quote(vm ?? '')}`,
      `It has: ${lab.vms.map(({ name }) => name).join(', ') || 'none'}.`,
    );
  }
  if (flags.interfaces || flags.nic !== undefined) return interfaces(lab, chosen, flags, context);
  const host = await observeHost(drivers, lab, { networkOnly: true });
  const { context: render } = await prepareRender(lab, host, drivers, false);
  const domains = chosen.map(candidate => ({
    name: candidate.name,
    xml: isExisting(candidate)
      ? candidate.nics.map(nic => renderExistingNic(lab, nic, render).xml).join('')
      : renderDomain(lab, candidate, render).xml,
  }));
  for (const domain of domains) reporter.print(domain.xml.trimEnd());
  return { lab: lab.name, more: { domains } };
}

/** With `--json` also how each VM would run, which whoever defines the domain has to know. */
async function interfaces(
  lab: Lab,
  chosen: readonly Vm[],
  { nic }: XmlFlags,
  { drivers, reporter, json }: Context,
): Promise<Outcome> {
  const mtus = bridgeMtus(lab, await observeHost(drivers, lab, { networkOnly: true }));
  const cards = chosen.map(vm => ({
    vm,
    interfaces: cardsOf(vm, nic).map(card => ({
      nic: card.index,
      tap: card.tap,
      mac: card.mac,
      xml: renderInterface(card, mtus[card.bridge ?? ''] ?? 1500).trimEnd(),
    })),
  }));
  for (const card of cards.flatMap(it => it.interfaces)) reporter.print(card.xml);
  const auto = json && chosen.some(({ accel }) => accel === 'auto') ? await chooseAccel(drivers) : null;
  const vms = cards.map(({ vm, interfaces }) => ({
    name: vm.name,
    accel: vm.accel === 'auto' ? (auto?.accel ?? null) : vm.accel,
    interfaces,
  }));
  return { lab: lab.name, more: { vms } };
}

function cardsOf(vm: Vm, nic: string | undefined): Vm['nics'] {
  if (nic === undefined) return vm.nics;
  const found = vm.nics.filter(({ index }) => String(index) === nic);
  if (found.length > 0) return found;
  throw new VmnetError(
    'usage',
    `the VM ${vm.name} has no NIC ${quote(nic)}`,
    `Its NICs are counted from 0 to ${vm.nics.length - 1}.`,
  );
}
