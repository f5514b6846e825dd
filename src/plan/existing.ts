import type { DomainState, ExistingDomain, HostState, LabRecord } from '../host/model.js';
import { existingVms } from '../lab/existing.js';
import type { Lab, Nic, Vm } from '../lab/model.js';
import { nicPath } from '../lab/nics.js';
import { printable, quote } from '../lab/quote.js';
import { didYouMean } from '../lab/suggest.js';
import type { RenderContext } from '../render/domain.js';
import { aliasStart, type RenderedNic, renderExistingNic } from '../render/existing.js';
import { type Card, cardsOf, compared } from './cards.js';
import { isAlive } from './guest.js';
import type { Action, NicChange, Step } from './model.js';
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

const existingOf = (name: string, host: HostState): ExistingDomain | undefined =>
  host.libvirt?.existing?.find(({ asked }) => asked === name);

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

function missing(vm: Vm, host: HostState): PlanProblem {
  const names = (host.libvirt?.domains ?? []).filter(({ mark }) => mark === null).map(({ name }) => name);
  const otherwise = 'virsh list --all shows those that are there:';
  return {
    code: 'bad-lab',
    message: `vms.${vm.name}.domain: libvirt has no domain ${quote(vm.domain)}`,
    fix: didYouMean(
      vm.domain,
      names,
      names.length > 0 ? otherwise : 'Define it, or give the VM a "boot" and let vmnet make it.',
    ),
  };
}

function unfit(
  vm: Vm,
  { name, uuid, xml, liveXml }: ExistingDomain,
  lab: Lab,
  host: HostState,
  isOurs: (card: Card) => boolean,
): PlanProblem | null {
  const conflict = (at: string, message: string, fix: string): PlanProblem => ({
    code: 'conflict',
    message: `${at}: ${message}`,
    fix,
  });
  const { mark } = host.libvirt?.domains.find(it => it.uuid === uuid) ?? {};
  const at = `vms.${vm.name}.domain`;
  if (mark)
    return conflict(
      at,
      `the domain ${name} was made by vmnet, for ${mark.vm} of the lab ${mark.lab}`,
      'Give it the NICs in that lab, or name a domain that vmnet did not make.',
    );
  const other = host.records.find(
    record => record.name !== lab.name && Object.hasOwn(record.existing ?? {}, uuid),
  );
  if (other)
    return conflict(
      at,
      `the domain ${printable(name)} has NICs of the lab ${other.name}`,
      `A domain is in one lab at a time: add the NICs to that one, or vmnet destroy ${other.name}`,
    );
  const theirs = [xml, liveXml].flatMap(it => cardsOf(it ?? '')).filter(card => !isOurs(card));
  for (const nic of vm.nics) {
    if (theirs.some(({ mac }) => mac === nic.mac))
      return conflict(
        `${nicPath(nic)}.mac`,
        `${nic.mac} is that of a NIC which the domain ${printable(name)} has already, and which is not of this lab`,
        'Leave "mac" out to have another derived, or write another.',
      );
    if (theirs.some(({ target }) => target === nic.tap))
      return conflict(
        `${nicPath(nic)}.tap`,
        `${nic.tap} is that of a NIC which the domain ${printable(name)} has already, and which is not of this lab`,
        'Give the NIC another "tap".',
      );
  }
  return null;
}

function notesOn(vm: Vm, { name, xml }: ExistingDomain, host: HostState): string[] {
  const shown = printable(name);
  const state = stateOf(vm, host);
  return [
    ...(name === vm.domain
      ? []
      : [`the domain ${vm.domain} is called ${shown} now: write that into the lab file`]),
    ...(xml === null
      ? [
          `the domain ${shown} is transient: its NICs are gone when it ends, and vmnet provision gives them again`,
        ]
      : []),
    ...(state && !isAlive(state)
      ? [
          `the domain ${shown} is ${state.state}, and not for vmnet to start: its NICs are in its definition; virsh start ${shown}, then vmnet verify`,
        ]
      : []),
  ];
}

const stateOf = ({ domain }: Vm, host: HostState): DomainState | undefined => {
  const uuid = existingOf(domain, host)?.uuid;
  return host.libvirt?.domains.find(it => it.uuid === uuid);
};

/** Where a domain has a card, by its alias: in the running guest, in its definition, or both. */
function cardsIn({ xml, liveXml }: ExistingDomain): Map<string, Card & { live: boolean; config: boolean }> {
  const live = new Map(cardsOf(liveXml ?? '').map(card => [card.alias ?? '', card]));
  const config = new Map(cardsOf(xml ?? '').map(card => [card.alias ?? '', card]));
  return new Map(
    [...live, ...config].map(([alias, card]) => [
      alias,
      { ...card, live: live.has(alias), config: config.has(alias) },
    ]),
  );
}

const where = ({ live, config }: { live: boolean; config: boolean }) =>
  live && config ? '' : live ? ', in the running guest' : ', in its definition';

function attachSteps(
  domain: ExistingDomain,
  lab: string,
  nics: ReadonlyMap<string, [Nic, RenderedNic]>,
): Step[] {
  const has = cardsIn(domain);
  return [...nics].flatMap(([alias, [nic, { xml }]]) => {
    const present = has.get(alias);
    const live = domain.liveXml !== null && !present?.live;
    const config = domain.xml !== null && !present?.config;
    if (!live && !config) return [];
    const change = changeOf(domain, { mac: nic.mac, xml }, live, config);
    return {
      title: `give ${printable(domain.name)} a NIC on ${nic.bridge ?? nic.macvtap?.uplink ?? ''} (${nic.vm}, NIC ${nic.index}${where({ live, config })})`,
      why: 'the lab names it and the domain has none',
      do: [{ kind: 'plug', ...change }],
      undo: [...liveOnly('unplug', change), ...(config ? [restore(domain, lab, 'last')] : [])],
    };
  });
}

function detachSteps(
  domain: ExistingDomain,
  lab: string,
  isGone: (card: Card) => boolean,
  why: string,
  { config: both = true } = {},
): Step[] {
  return [...cardsIn(domain).values()].filter(isGone).flatMap(card => {
    const config = both && card.config;
    if (!card.live && !config) return [];
    const change = changeOf(domain, card, card.live, config);
    return {
      title: `take the NIC ${card.mac} out of ${printable(domain.name)}${both ? where(card) : ', in the running guest'}`,
      why,
      do: [{ kind: 'unplug', ...change }],
      undo: [...liveOnly('plug', change), ...(config ? [restore(domain, lab, 'last')] : [])],
    };
  });
}

function restoreSteps(domain: ExistingDomain, lab: string): Step[] {
  if (domain.xml === null) return [];
  return [
    {
      title: `have the definition of ${printable(domain.name)} as it was`,
      why: 'no NIC of the lab is left in it',
      do: [restore(domain, lab, 'first')],
      undo: [restore(domain, lab, 'last')],
    },
  ];
}

const changeOf = (
  { name, uuid }: ExistingDomain,
  { mac, xml }: { mac: string; xml: string },
  live: boolean,
  config: boolean,
): NicChange => ({ name, uuid, mac, xml, live, config });

const liveOnly = (kind: 'plug' | 'unplug', change: NicChange): Action[] =>
  change.live ? [{ kind, ...change, config: false }] : [];

const restore = ({ name, uuid }: ExistingDomain, lab: string, to: 'first' | 'last'): Action => ({
  kind: 'restore-domain',
  name,
  uuid,
  lab,
  to,
});

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
