import type { IpJson } from '../../drivers/iproute2.js';
import { object, objects, string, strings } from '../json.js';
import type { FirewallRule } from '../model.js';
import { effectOf, meansOnly, type Replaced } from './effect.js';

/** Keys of nft's `meta` that hold an interface. */
const INTERFACE_KEYS = ['iif', 'iifname', 'oif', 'oifname'];

type Listed = readonly Readonly<Record<string, unknown>>[];

/** Rules of `nft -j list ruleset` that name an uplink, in matches, verdict maps and maps. */
export function nftRules(listed: Listed, uplinks: readonly Replaced[]): FirewallRule[] {
  const sets = setsOf(listed);
  return listed.flatMap(entry => {
    const rule = object(entry.rule);
    const table = `${rule.family} ${rule.table}`;
    const where = `nft ${rule.family} table ${rule.table}, chain ${rule.chain}, handle ${rule.handle}`;
    const selections = objects(rule.expr).flatMap(expression =>
      selectionsIn(expression, objects(rule.expr), name => sets.get(`${table} ${name}`) ?? []),
    );
    return uplinks.flatMap(uplink =>
      selections.flatMap(selection => found(selection, uplink, where, rule.family === 'bridge')),
    );
  });
}

/** An interface that a rule asks for: by which key, among which names, and what follows. */
interface Selection {
  readonly key: string;
  readonly negated: boolean;
  /** The set or map that holds the names, for people. */
  readonly by: string;
  readonly entries: readonly { readonly name: string; readonly verdict: IpJson }[];
}

function found(selection: Selection, uplink: Replaced, where: string, atPort: boolean): FirewallRule[] {
  const { key, negated, by, entries } = selection;
  const pattern = meansOnly(
    entries.map(({ name }) => name),
    uplink,
  );
  const entry = entries.find(({ name }) => name === pattern);
  if (!entry) return [];
  const word = verdictOf(entry.verdict);
  return [
    {
      device: uplink.device,
      where,
      text: [key, ...(negated ? ['!='] : []), pattern, ...(by ? [`(${by})`] : []), word].join(' ').trim(),
      // A bridge table speaks of ports, and the uplink becomes one.
      effect: atPort ? 'sees-guests' : effectOf(kindOf(word), negated),
    },
  ];
}

type SetNamed = (name: string) => readonly unknown[];

/** What an expression selects by interfaces; a map may be deep inside, as in `meta mark set iif map …`. */
function selectionsIn(expression: IpJson, rule: readonly IpJson[], set: SetNamed): Selection[] {
  const match = object(expression.match);
  const elements = (right: unknown): readonly unknown[] => {
    if (typeof right === 'string' && right.startsWith('@')) return set(right.slice(1));
    const inline = object(right).set;
    return Array.isArray(inline) ? inline : [right];
  };
  const select = (left: unknown, right: unknown, negated: boolean, verdict: IpJson | null): Selection[] =>
    interfacesIn(left).map(({ key, at }) => ({
      key,
      negated,
      by: typeof right === 'string' && right.startsWith('@') ? right : '',
      entries: elements(right).flatMap(element => {
        const [from, to] = verdict === null && Array.isArray(element) ? element : [element, verdict];
        const name = nameAt(from, at);
        return name === null ? [] : [{ name, verdict: object(to) }];
      }),
    }));
  if (expression.match) return select(match.left, match.right, match.op === '!=', lastOf(rule));
  return mapsIn(expression).flatMap(map => select(map.key, map.data, false, null));
}

/** Every `map` and `vmap` in an expression. */
function mapsIn(value: unknown): IpJson[] {
  const inside = object(value);
  const maps = ['map', 'vmap'].flatMap(kind => (object(inside[kind]).key ? [object(inside[kind])] : []));
  return [...maps, ...Object.values(inside).flatMap(mapsIn)];
}

/** Interfaces in a selector; `at` is the place in a concatenation, null where there is none. */
function interfacesIn(left: unknown): { key: string; at: number | null }[] {
  const keyOf = (part: unknown) => string(object(object(part).meta).key);
  const { concat } = object(left);
  const parts = Array.isArray(concat) ? concat.map((part, at) => ({ key: keyOf(part), at })) : null;
  return (parts ?? [{ key: keyOf(left), at: null }]).flatMap(({ key, at }) =>
    key !== null && INTERFACE_KEYS.includes(key) ? [{ key, at }] : [],
  );
}

/** The name in an element, which may bear a counter or a timeout, at a place of its concatenation. */
function nameAt(element: unknown, at: number | null): string | null {
  const bare = object(element).elem ? object(object(element).elem).val : element;
  const { concat } = object(bare);
  return string(at === null ? bare : Array.isArray(concat) ? concat[at] : null);
}

/** Elements of named sets and maps, by `family table name`. */
function setsOf(listed: Listed): Map<string, readonly unknown[]> {
  return new Map(
    listed.flatMap(entry => {
      const set = object(entry.set ?? entry.map);
      return Array.isArray(set.elem) ? [[`${set.family} ${set.table} ${set.name}`, set.elem] as const] : [];
    }),
  );
}

/** What a rule does with a packet that its matches let through. */
const lastOf = (rule: readonly IpJson[]): IpJson =>
  rule.findLast(expression => verdictOf(expression) !== '') ?? {};

const VERDICTS = [
  'accept',
  'drop',
  'reject',
  'jump',
  'goto',
  'return',
  'queue',
  'masquerade',
  'snat',
  'dnat',
];

const verdictOf = (expression: IpJson): string => VERDICTS.find(verdict => verdict in expression) ?? '';

const kindOf = (verdict: string) =>
  verdict === 'accept' ? 'accept' : ['drop', 'reject'].includes(verdict) ? 'drop' : 'other';

/** Chains and flowtables that are attached to an uplink: they get its frames before the bridge does. */
export function nftHooks(listed: Listed, chains: string, uplinks: readonly Replaced[]): FirewallRule[] {
  const attached = [
    ...listed.flatMap(entry => {
      const kind = entry.flowtable ? 'flowtable' : 'chain';
      const hook = object(entry[kind]);
      const where = `nft ${hook.family} table ${hook.table}, ${kind} ${hook.name}`;
      return [{ where, hook: String(hook.hook), devices: [hook.dev ?? []].flat() }];
    }),
    ...hooksIn(chains),
  ];
  return uplinks.flatMap(({ device }) =>
    attached
      .filter(({ devices }) => strings(devices).includes(device))
      .map(({ where, hook }) => ({ device, where, text: `hook ${hook}`, effect: 'sees-guests' as const })),
  );
}

/** nft 1.0.6 keeps the devices of a chain out of its JSON. */
export const lacksDevices = (listed: Listed): boolean =>
  listed.some(entry => {
    const { hook, dev } = object(entry.chain);
    return dev === undefined && (hook === 'ingress' || hook === 'egress');
  });

/** Chains with devices, of the text of `nft list chains`. */
function hooksIn(text: string) {
  let table = '';
  let chain = '';
  return text.split('\n').flatMap(line => {
    table = /^table (\S+ \S+) /.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+) /.exec(line)?.[1] ?? chain;
    const [, hook = '', one, many = ''] =
      /hook (ingress|egress) device(?:s = \{ ?([^}]*)\}| (\S+))/.exec(line) ?? [];
    if (!hook) return [];
    const devices = (one ?? many).split(',').map(name => name.trim().replaceAll('"', ''));
    const [family, name] = table.split(' ');
    return [{ where: `nft ${family} table ${name}, chain ${chain}`, hook, devices }];
  });
}
