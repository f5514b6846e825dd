import { readEnd } from '../end.js';
import type { Path } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';

export type LooseBridge = NonNullable<NonNullable<LooseLab['bridges']>[string]>;
export type LooseVm = NonNullable<NonNullable<LooseLab['vms']>[string]>;
export type LooseNic = NonNullable<NonNullable<LooseVm['nics']>[number]>;

/** An object of the lab with its place; an empty one stands for what had the wrong shape. */
export interface AtBridge {
  readonly name: string;
  readonly bridge: LooseBridge;
  readonly path: Path;
}

export interface AtTun {
  readonly name: string;
  readonly tun: NonNullable<NonNullable<LooseLab['tuns']>[string]>;
  readonly path: Path;
}

export interface AtVm {
  readonly name: string;
  readonly vm: LooseVm;
  readonly path: Path;
}

export interface AtNic {
  readonly vm: string;
  readonly index: number;
  readonly nic: LooseNic;
  readonly path: Path;
}

export const bridgesOf = (lab: LooseLab): AtBridge[] =>
  Object.entries(lab.bridges ?? {}).map(([name, bridge]) => ({
    name,
    bridge: bridge ?? {},
    path: ['bridges', name],
  }));

export const tunsOf = (lab: LooseLab): AtTun[] =>
  Object.entries(lab.tuns ?? {}).map(([name, tun]) => ({ name, tun: tun ?? {}, path: ['tuns', name] }));

/** Two dozen rules walk the same lab, which nobody changes meanwhile. */
function onceForEach<T>(walk: (lab: LooseLab) => readonly T[]): (lab: LooseLab) => readonly T[] {
  const known = new WeakMap<LooseLab, readonly T[]>();
  return lab => {
    const found = known.get(lab) ?? walk(lab);
    known.set(lab, found);
    return found;
  };
}

export const vmsOf = onceForEach((lab): AtVm[] =>
  Object.entries(lab.vms ?? {}).map(([name, vm]) => ({ name, vm: vm ?? {}, path: ['vms', name] })),
);

export const nicsOf = onceForEach((lab): AtNic[] => vmsOf(lab).flatMap(nicsIn));

export const nicsIn = ({ name, vm, path }: AtVm): AtNic[] =>
  (vm.nics ?? []).map((nic, index) => ({ vm: name, index, nic: nic ?? {}, path: [...path, 'nics', index] }));

export type LooseNamespace = NonNullable<NonNullable<LooseLab['namespaces']>[string]>;

export interface AtNamespace {
  readonly name: string;
  readonly namespace: LooseNamespace;
  readonly path: Path;
}

/** An interface inside a namespace, or the host's end of a link. */
export interface AtInner {
  /** Name of the namespace, or `host`; undefined where that could not be read. */
  readonly namespace: string | undefined;
  /** What the interface is called there. */
  readonly name: string | undefined;
  /** For people. */
  readonly who: string;
  readonly mac: string | undefined;
  readonly address: string | (string | undefined)[] | undefined;
  readonly mtu: number | undefined;
  /** Of a NIC on a bridge. */
  readonly vlan?: LooseNic['vlan'];
  /** The wire: a bridge by its name, or the position of a link. */
  readonly at: { readonly bridge: string | undefined } | { readonly link: number };
  readonly path: Path;
}

export const namespacesOf = onceForEach((lab): AtNamespace[] =>
  Object.entries(lab.namespaces ?? {}).map(([name, namespace]) => ({
    name,
    namespace: namespace ?? {},
    path: ['namespaces', name],
  })),
);

/** Every NIC of every namespace. */
export const innerNicsOf = onceForEach((lab): AtInner[] =>
  namespacesOf(lab).flatMap(({ name, namespace, path }) =>
    (namespace.nics ?? []).map((nic, index) => ({
      namespace: name,
      name: nic !== undefined && 'name' in nic ? nic.name : `eth${index}`,
      who: `namespace ${quote(name)}, NIC ${index}`,
      mac: nic?.mac,
      address: nic?.address,
      mtu: nic?.mtu,
      vlan: nic?.vlan,
      at: { bridge: nic?.bridge },
      path: [...path, 'nics', index],
    })),
  ),
);

/** Both ends of every link. */
export const endsOf = onceForEach((lab): AtInner[] =>
  (lab.links ?? []).flatMap((link, position) =>
    (link?.endpoints ?? []).map((written, index) => {
      const end = typeof written === 'string' ? readEnd(written) : written;
      const { namespace, name, mac, address } = end ?? {};
      return {
        namespace,
        name,
        who: `the end ${quote(`${namespace ?? '?'}:${name ?? '?'}`)} of link ${position}`,
        mac,
        address,
        mtu: link?.mtu,
        at: { link: position },
        path: ['links', position, 'endpoints', index],
      };
    }),
  ),
);

export const innersOf = (lab: LooseLab): AtInner[] => [...innerNicsOf(lab), ...endsOf(lab)];

/** Where a bridge gets its addresses, with its default as in build/bridge.ts. */
export function bridgeAddressOf({
  type,
  address,
  mode,
  uplink,
  permanent,
}: LooseBridge): LooseBridge['address'] {
  if (address !== undefined) return address;
  if (mode === 'nat' || mode === 'routed') return 'auto';
  return uplink === undefined || permanent || type === 'ovs' ? 'none' : 'inherit';
}

/** A value that may also come from `defaults`, with the place to blame for it. */
export interface Setting<T> {
  readonly value: T | undefined;
  readonly path: Path;
}

type Defaults = NonNullable<LooseLab['defaults']>;

export function vmSetting<K extends keyof NonNullable<Defaults['vm']>>(
  lab: LooseLab,
  { vm, path }: AtVm,
  key: K,
): Setting<LooseVm[K]> {
  if (key in vm) return { value: vm[key], path: [...path, key] };
  return { value: lab.defaults?.vm?.[key] as LooseVm[K], path: ['defaults', 'vm', key] };
}

export function nicSetting<K extends keyof NonNullable<Defaults['nic']>>(
  lab: LooseLab,
  { nic, path }: AtNic,
  key: K,
): Setting<LooseNic[K]> {
  if (key in nic) return { value: nic[key], path: [...path, key] };
  return { value: lab.defaults?.nic?.[key] as LooseNic[K], path: ['defaults', 'nic', key] };
}

/** One text or a list of them, each with its place. */
export function textsAt(
  value: string | (string | undefined)[] | undefined,
  path: Path,
): { text: string; path: Path }[] {
  if (typeof value === 'string') return [{ text: value, path }];
  return (value ?? []).flatMap((text, index) =>
    text === undefined ? [] : [{ text, path: [...path, index] }],
  );
}
