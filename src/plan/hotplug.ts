import type { DomainMark, DomainState, HostState } from '../host/model.js';
import type { Nic, Vm } from '../lab/model.js';
import { MARK_NAMESPACE } from '../lab/names.js';
import { type NicMark, nicMarksText } from '../lab/nic-marks.js';
import type { RenderedDomain } from '../render/domain.js';
import { markElement, PLUGGED } from '../render/mark.js';
import type { Action, NicChange, Step } from './model.js';

/** How a running guest gets other NICs without a restart. */
export interface Hotplug {
  /** Before its taps go. */
  readonly pull: readonly Step[];
  /** Once taps and definition are there; it also writes down what the guest has now. */
  readonly plug: Step;
  /** Marks of NICs whose taps the guest has not open meanwhile. */
  readonly free: readonly string[];
  readonly notes: readonly string[];
}

/** Or why it cannot, as a half-sentence; null where more than its NICs is another. */
export type NoHotplug = { readonly cannot: string | null };

/** @param present runs, with another definition than the one that was rendered */
export function planHotplug(
  vm: Vm,
  present: DomainState,
  rendered: RenderedDomain,
  host: HostState,
): Hotplug | NoHotplug {
  const mark = present.liveMark;
  const { marks } = rendered;
  if (!mark?.nics || marks === null || mark.rest !== marks.rest) return { cannot: null };
  const change = changeOf(mark.nics, marks.nics);
  if (change.pulled.length + change.plugged.length + change.relinked.length === 0)
    return { cannot: 'what it is told of its NICs, or their order, changes at its next start' };
  if (!['running', 'blocked'].includes(present.state)) return { cannot: `it is ${present.state}` };
  const former = present.liveXml ?? present.xml ?? '';
  const cannot = hindrance(vm, change, former) ?? bareTaps(vm, change, host);
  if (cannot !== null) return { cannot };
  const hands = { vm, present, rendered, former };
  return {
    pull: change.pulled.map(old => pullStep(old, hands)),
    plug: plugStep(change, mark, hands),
    free: change.plugged.flatMap(index => vm.nics[index]?.altname ?? []),
    notes: untold(vm, change),
  };
}

/** The built-in guest is told of addresses as it starts, and of none later. */
const untold = (vm: Vm, { plugged }: Change): string[] =>
  vm.boot.kind === 'probe' && plugged.some(index => (vm.nics[index]?.addresses.length ?? 0) > 0)
    ? [
        `${vm.name} takes the addresses of a NIC that is plugged in while it runs at its next start; until then it answers there by its link-local one`,
      ]
    : [];

interface Hands {
  readonly vm: Vm;
  readonly present: DomainState;
  readonly rendered: RenderedDomain;
  /** XML of the running guest. */
  readonly former: string;
}

interface Change {
  readonly pulled: readonly NicMark[];
  /** Indexes in the lab. */
  readonly plugged: readonly number[];
  readonly relinked: readonly number[];
  /** What the guest is told of a NIC that stays is another. */
  readonly retold: boolean;
}

function changeOf(now: readonly NicMark[], wanted: readonly NicMark[]): Change {
  const same = (a: NicMark, b: NicMark) => a.mac === b.mac && a.device === b.device;
  const stays = (nic: NicMark) => now.find(other => same(other, nic));
  const indexes = wanted.map((_, index) => index);
  const at = (index: number) => wanted[index] as NicMark;
  return {
    pulled: now.filter(nic => !wanted.some(other => same(other, nic))),
    plugged: indexes.filter(index => !stays(at(index))),
    relinked: indexes.filter(index => (stays(at(index))?.link ?? at(index).link) !== at(index).link),
    retold: wanted.some(nic => now.some(old => same(old, nic) && old.told !== nic.told)),
  };
}

/** What no running guest takes. */
function hindrance(vm: Vm, { pulled, plugged, retold }: Change, xml: string): string | null {
  if (retold) return 'what it is told of a NIC changes at its next start';
  for (const { mac } of pulled) {
    const element = interfaceIn(xml, mac);
    if (element === null) return `its NIC ${mac} is not where vmnet plugged it`;
    if (busOf(element) === 0) return `its NIC ${mac} sits on the root bus, which lets nothing go`;
  }
  for (const index of plugged) {
    const { mac, model, pciSlot, boot } = vm.nics[index] as Nic;
    // It could be plugged in anew, but a guest may not set it up again.
    if (pulled.some(old => old.mac === mac)) return `NIC ${index} is to be another card`;
    if (pciSlot !== undefined) return `NIC ${index} has a slot on the root bus, which takes nothing later`;
    if (model === 'rtl8139') return `NIC ${index} is of model rtl8139, for which there is no port`;
    if (boot !== undefined) return `NIC ${index} is booted from`;
  }
  const missing = plugged.length - pulled.length - freePorts(xml);
  return missing > 0
    ? `it has no PCI port left for ${missing === 1 ? 'another NIC' : `${missing} NICs`}`
    : null;
}

/** libvirt takes a name that somebody else's interface has for its own, and says so too late. */
const bareTaps = (vm: Vm, { plugged }: Change, host: HostState): string | null =>
  plugged
    .map(index => vm.nics[index] as Nic)
    .filter(({ macvtap, tap }) => macvtap && host.links.some(({ name }) => name === tap))
    .map(({ tap }) => `the interface ${tap} is still there`)[0] ?? null;

/** Root ports on which nothing sits. */
function freePorts(xml: string): number {
  const ports = [...xml.matchAll(/<controller [^>]*model=['"]pcie-root-port['"][^>]*>/g)].map(([tag]) =>
    Number(/index=['"](\d+)['"]/.exec(tag)?.[1] ?? 0),
  );
  const used = new Set([...xml.matchAll(/<address type=['"]pci['"][^>]*>/g)].map(([tag]) => busOf(tag)));
  return ports.filter(port => !used.has(port)).length;
}

const busOf = (text: string): number | null => {
  const bus = /<address type=['"]pci['"][^>]*bus=['"](0x[0-9a-f]+)['"]/.exec(text)?.[1];
  return bus === undefined ? null : Number(bus);
};

/** The `<interface>` with this MAC, without the name that libvirt gave it: where it sat it comes back to. */
function interfaceIn(xml: string, mac: string): string | null {
  const devices = xml.slice(xml.lastIndexOf('<devices>'));
  const found = [...devices.matchAll(/<interface [^>]*>[\s\S]*?<\/interface>/g)]
    .map(([element]) => element)
    .find(element => /<mac address=['"]([^'"]*)/.exec(element)?.[1]?.toLowerCase() === mac);
  return found?.replace(/\s*<alias [^>]*\/>/, '') ?? null;
}

const nicChange = ({ present }: Hands, mac: string, xml: string): NicChange => ({
  name: present.name,
  uuid: present.uuid,
  mac,
  xml,
  live: true,
  config: false,
});

function pullStep({ mac }: NicMark, hands: Hands): Step {
  const nic = nicChange(hands, mac, interfaceIn(hands.former, mac) ?? '');
  return {
    title: `unplug the NIC ${mac} from ${hands.present.name}`,
    why: 'the lab no longer has it',
    do: [{ kind: 'unplug', ...nic }],
    undo: [{ kind: 'plug', ...nic }],
  };
}

/** All that comes once tap and definition are there, in this order: steps of a phase of guests run side by side. */
function plugStep(change: Change, before: DomainMark, hands: Hands): Step {
  const { present, rendered } = hands;
  const works = [
    ...change.plugged.map(index => plugWork(index, hands)),
    ...change.relinked.map(index => linkWork(index, before, hands)),
  ];
  const [only] = works;
  const ref = { kind: 'mark', name: present.name, uuid: present.uuid, uri: MARK_NAMESPACE } as const;
  const indexes = [...change.plugged, ...change.relinked].sort((a, b) => a - b);
  return {
    ...(only && works.length === 1
      ? { title: only.title, why: only.why }
      : works.length === 0
        ? { title: `write down which NICs ${present.name} has`, why: 'the next run compares with it' }
        : {
            title: `change NICs ${indexes.join(', ')} of ${present.name} while it runs`,
            why: 'they are not as the lab says',
          }),
    do: [...works.map(work => work.do), { ...ref, xml: rendered.liveMark }],
    undo: [{ ...ref, xml: formerMark(before, present) }, ...works.map(work => work.undo).reverse()],
  };
}

interface Work {
  readonly title: string;
  readonly why: string;
  readonly do: Action;
  readonly undo: Action;
}

function plugWork(index: number, hands: Hands): Work {
  const { mac } = hands.vm.nics[index] as Nic;
  const nic = nicChange(hands, mac, hands.rendered.interfaces[index] ?? '');
  return {
    title: `plug NIC ${index} (${mac}) into ${hands.present.name}`,
    why: 'the lab names it, and the running guest lacks it',
    do: { kind: 'plug', ...nic },
    undo: { kind: 'unplug', ...nic },
  };
}

function linkWork(index: number, before: DomainMark, hands: Hands): Work {
  const { mac, link = 'up' } = hands.vm.nics[index] as Nic;
  const was = before.nics?.find(nic => nic.mac === mac)?.link ?? 'up';
  const to = (xml: string): Action => ({ kind: 'change-nic', ...nicChange(hands, mac, xml) });
  return {
    title: `set the link of NIC ${index} of ${hands.present.name} ${link}`,
    why: `the lab has it ${link}, and it is ${was}`,
    do: to(hands.rendered.interfaces[index] ?? ''),
    undo: to(interfaceIn(hands.former, mac) ?? ''),
  };
}

/** The text of a definition's mark where it was that. */
function formerMark({ lab, vm, digest, rest = '', nics = [] }: DomainMark, { liveXml }: DomainState): string {
  const attributes = { lab, vm, digest, rest, nics: nicMarksText(nics) };
  return markElement(liveXml ? { ...attributes, ...PLUGGED } : attributes);
}
