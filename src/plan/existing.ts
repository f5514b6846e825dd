import type { HostState, LabRecord } from '../host/model.js';
import { existingVms } from '../lab/existing.js';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { printable } from '../lab/quote.js';
import type { RenderContext } from '../render/domain.js';
import { aliasStart, type RenderedNic, renderExistingNic } from '../render/existing.js';
import { type Card, cardsOf, compared } from './cards.js';
import { existingOf, missing, notesOn, unfit } from './existing-fit.js';
import { attachSteps, detachSteps, restoreSteps } from './existing-nics.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';

// Domains that vmnet did not make: they get NICs, in the running guest and in their definition, and lose them again.

export interface ExistingSteps {
  readonly remove: readonly Step[];
  readonly attach: readonly Step[];
  readonly notes: readonly string[];
  readonly record: LabRecord['existing'];
}

export const NO_EXISTING: ExistingSteps = { remove: [], attach: [], notes: [], record: undefined };

/** What the lab's domains that are not ours lack of its NICs, and what they have too much. */
export function planExisting(
  lab: Lab,
  host: HostState,
  context: RenderContext,
  problems: PlanProblem[],
): ExistingSteps {
  const isOurs = oursIn(lab, host);
  const [remove, attach, notes]: [Step[], Step[], string[]] = [[], [], []];
  const wanted = new Map<string, { vm: Vm; nics: ReadonlyMap<string, [Nic, RenderedNic]> }>();
  for (const vm of existingVms(lab)) {
    const domain = existingOf(vm.domain, host);
    const problem = domain ? unfit(vm, domain, lab, host, isOurs) : missing(vm, host);
    if (problem) problems.push(problem);
    if (!domain || problem) continue;
    const rendered = vm.nics.map(nic => [nic, renderExistingNic(lab, nic, context)] as const);
    wanted.set(domain.uuid, { vm, nics: new Map(rendered.map(([nic, it]) => [it.alias, [nic, it]])) });
  }
  const changed = new Set<string>();
  for (const domain of host.libvirt?.existing ?? []) {
    const { vm, nics = new Map<string, [Nic, RenderedNic]>() } = wanted.get(domain.uuid) ?? {};
    // One that the lab wants and that is at fault stays as it is.
    if (!vm && existingVms(lab).some(({ domain: name }) => name === domain.asked)) continue;
    const isGone = (card: Card) => isOurs(card) && !nics.has(card.alias ?? '');
    const gone = detachSteps(
      domain,
      lab.name,
      isGone,
      vm ? 'the lab no longer has it so' : 'the lab no longer has it',
    );
    const last = nics.size === 0 && gone.length > 0 ? restoreSteps(domain, lab.name) : [];
    const missed = vm ? attachSteps(domain, lab.name, nics) : [];
    remove.push(...gone, ...last);
    attach.push(...missed);
    if (vm) notes.push(...notesOn(vm, domain, host));
    if (gone.length + missed.length > 0) changed.add(domain.uuid);
  }
  return { remove, attach, notes, record: recordOf(lab, host, wanted, changed, isOurs) };
}

/** All NICs of a lab go, and each definition becomes what it was. */
export function removeExisting(
  lab: string,
  host: HostState,
  why: string,
): { steps: Step[]; notes: string[] } {
  const record = recordNamed(lab, host);
  const isOurs = oursIn(record?.lab ?? null, host);
  const [steps, notes]: [Step[], string[]] = [[], []];
  for (const [uuid, { name, first }] of Object.entries(record?.existing ?? {})) {
    const domain = host.libvirt?.existing?.find(it => it.uuid === uuid);
    if (!domain) {
      if (host.libvirt)
        notes.push(`the domain ${name} is not there any more, so nothing was taken out of it`);
      continue;
    }
    if (![domain.xml, domain.liveXml].some(xml => cardsOf(xml ?? '').some(isOurs))) continue;
    steps.push(...detachSteps(domain, lab, isOurs, why, { config: false }), ...restoreSteps(domain, lab));
    if (first !== null && domain.xml !== null && compared(first, domain.xml, isOurs) === 'theirs')
      notes.push(
        `the definition of ${printable(domain.name)} was changed since by somebody else, which stays: only its NICs of ${lab} went. PCI ports that libvirt had added for them may be left in it`,
      );
  }
  return { steps, notes };
}

/** Of domains that are not ours, those that a lab gives NICs to: what they name is no clash with it. */
export const existingUuids = (lab: Lab, host: HostState): ReadonlySet<string> =>
  new Set(existingVms(lab).flatMap(vm => existingOf(vm.domain, host)?.uuid ?? []));

/** Does a VM have its NICs, as they are to be, in a running guest? */
export function holdsNics(vm: Vm, lab: Lab, host: HostState, context: RenderContext | null): boolean {
  const live = existingOf(vm.domain, host)?.liveXml;
  if (!live || !context) return live != null;
  const has = new Set(cardsOf(live).map(({ alias }) => alias));
  return vm.nics.every(nic => has.has(renderExistingNic(lab, nic, context).alias));
}

const recordNamed = (lab: string, host: HostState) => host.records.find(({ name }) => name === lab);

/** A card bears our mark, and that of one of the lab's VMs, now or as it was applied. */
function oursIn(lab: Lab | null, host: HostState): (card: Card) => boolean {
  const record = lab === null ? undefined : recordNamed(lab.name, host);
  const vms = [
    ...[lab, record?.lab].flatMap(it => (it ? existingVms(it).map(({ name }) => name) : [])),
    ...Object.values(record?.existing ?? {}).flatMap(it => it.vms),
  ];
  return cardsFor(lab?.name ?? '', vms);
}

/** Whether a card bears the mark of one of these VMs. */
export function cardsFor(lab: string, vms: readonly string[]): (card: Card) => boolean {
  const starts = [...new Set(vms)].map(vm => aliasStart(lab, vm));
  return ({ alias }) =>
    alias !== null &&
    starts.some(start => alias.startsWith(start) && /^\d+-[0-9a-f]{8}$/.test(alias.slice(start.length)));
}

/** What to go back to; kept as long as a domain has a NIC of ours. */
function recordOf(
  lab: Lab,
  host: HostState,
  wanted: ReadonlyMap<string, { vm: Vm }>,
  changed: ReadonlySet<string>,
  isOurs: (card: Card) => boolean,
): LabRecord['existing'] {
  const former = recordNamed(lab.name, host)?.existing ?? {};
  const entries = (host.libvirt?.existing ?? []).flatMap(({ uuid, asked, xml, liveXml }) => {
    const known = Object.hasOwn(former, uuid) ? former[uuid] : undefined;
    const vms = [wanted.get(uuid)?.vm.name ?? [], known?.vms ?? []].flat();
    const has = [xml, liveXml].some(it => cardsOf(it ?? '').some(isOurs));
    if (!wanted.has(uuid) && !has) return [];
    // Without a NIC of ours in it, what is there is what there was, whoever changed it meanwhile.
    const isOld = known !== undefined && cardsOf(xml ?? '').some(isOurs);
    const last = changed.has(uuid) ? xml : (known?.last ?? null);
    const first = isOld ? known.first : xml;
    return [[uuid, { name: asked, vms: [...new Set(vms)], first, last }] as const];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
