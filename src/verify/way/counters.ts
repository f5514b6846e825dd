import { object, objects } from '../../host/json.js';

// Counters of the way up the host's IP stack and out, beside those of the way across the bridge.

/** Whose frames are counted, and which of them must not leave. */
export interface WaySpec {
  /** Names and MACs of the bridges. */
  readonly bridges: readonly string[];
  readonly own: readonly string[];
  readonly guests: readonly { readonly tap: string; readonly mac: string }[];
  /** Sources of our errands; `sealed`: those that are to show that nothing gets out. */
  readonly envoys: readonly string[];
  readonly sealed: readonly string[];
  /** Where errands go. */
  readonly aims: readonly string[];
  /** Outside addresses that guests are asked from. */
  readonly askers: readonly string[];
}

/** Before and after every other chain of a hook. */
const FIRST = -400;
const LAST = 400;

/** Pairs and triples that are remembered. */
const ROOM = 4096;

/**
 * One command a table. What must not leave the host is dropped behind every other chain of the forward hook: so a
 * leak is counted, and nothing leaks.
 */
export function wayScript(table: string, spec: WaySpec): string {
  const [aims, askers] = [byFamily(spec.aims), byFamily(spec.askers)];
  const macs = spec.guests.map(({ mac }) => mac);
  const set = (name: string, type: string, elements: readonly string[], counter = '') =>
    `set ${name} { typeof ${type}; ${counter} ${elements.length > 0 ? `elements = { ${[...new Set(elements)].join(', ')} };` : ''} };`;
  const counted = (name: string, type: string, elements: readonly string[]) =>
    set(name, type, elements, 'counter;');
  const dynamic = (name: string, type: string) =>
    `set ${name} { typeof ${type}; size ${ROOM}; flags dynamic; counter; };`;
  const chain = (name: string, hook: string, priority: number, rules: readonly string[]) =>
    `chain ${name} { type filter hook ${hook} priority ${priority}; ${rules.map(rule => `${rule};`).join(' ')} };`;
  const tables = {
    bridge: [
      set('own', 'ether daddr', spec.own),
      set('guests', 'ether saddr', macs),
      set(
        'taps',
        'oifname',
        spec.guests.map(({ tap }) => `"${tap}"`),
      ),
      counted(
        'host_entered',
        'iifname . ether saddr',
        spec.guests.map(({ tap, mac }) => `"${tap}" . ${mac}`),
      ),
      counted('host_input', 'ether saddr', macs),
      counted('errand_entered', 'ether saddr', spec.envoys),
      dynamic('departed', 'ether saddr . oifname'),
      chain('first_prerouting', 'prerouting', FIRST, [
        'ether daddr @own iifname . ether saddr @host_entered',
        'ether saddr @errand_entered',
      ]),
      chain('last_input', 'input', LAST, ['ether daddr @own ether saddr @host_input']),
      chain('last_postrouting', 'postrouting', LAST, [
        'ether saddr @guests oifname != @taps update @departed { ether saddr . oifname counter }',
      ]),
    ],
    inet: [
      set(
        'bridges',
        'iifname',
        spec.bridges.map(name => `"${name}"`),
      ),
      set('own', 'ether daddr', spec.own),
      set('guests', 'ether saddr', macs),
      set('envoys', 'ether saddr', spec.envoys),
      set('sealed', 'ether saddr', spec.sealed),
      set('aims4', 'ip daddr', aims.ip),
      set('aims6', 'ip6 daddr', aims.ip6),
      set('askers4', 'ip daddr', askers.ip),
      set('askers6', 'ip6 daddr', askers.ip6),
      counted('host_stack', 'ether saddr', macs),
      counted('outward', 'ether saddr', macs),
      counted('errand_stack', 'ether saddr', spec.envoys),
      counted('errand_forward', 'ether saddr', spec.envoys),
      dynamic('gone', 'ether saddr . oifname'),
      dynamic('left4', 'ip daddr . oifname . ip saddr'),
      dynamic('left6', 'ip6 daddr . oifname . ip6 saddr'),
      chain('first_prerouting', 'prerouting', FIRST, [
        'ether daddr @own ether saddr @host_stack',
        'ip daddr @askers4 ether saddr @outward',
        'ip6 daddr @askers6 ether saddr @outward',
        'ether saddr @errand_stack',
      ]),
      chain('first_forward', 'forward', FIRST, ['ether saddr @errand_forward']),
      chain('last_forward', 'forward', LAST, [
        'iifname @bridges ether saddr @guests update @gone { ether saddr . oifname counter }',
        'ether saddr @envoys update @gone { ether saddr . oifname counter }',
        'ether saddr @sealed drop',
        'ip daddr @askers4 drop',
        'ip6 daddr @askers6 drop',
      ]),
      chain('last_postrouting', 'postrouting', LAST, [
        'ip daddr @aims4 update @left4 { ip daddr . oifname . ip saddr counter }',
        'ip6 daddr @aims6 update @left6 { ip6 daddr . oifname . ip6 saddr counter }',
      ]),
    ],
  };
  return Object.entries(tables)
    .map(([family, parts]) => `add table ${family} ${table} { flags owner; ${parts.join(' ')} }`)
    .join('\n');
}

const byFamily = (addresses: readonly string[]) => ({
  ip: addresses.filter(address => !address.includes(':')),
  ip6: addresses.filter(address => address.includes(':')),
});

/** Frames of each set of our tables, by the parts of the element. */
export interface WayCounts {
  get(set: string, ...key: readonly string[]): number;
  /** Elements whose first part is this, without it. */
  of(set: string, first: string): readonly { readonly rest: readonly string[]; readonly frames: number }[];
}

/** @param listed `nft -j list sets` */
export function parseWay(table: string, listed: readonly Record<string, unknown>[]): WayCounts {
  const elements = listed
    .map(entry => object(entry.set))
    .filter(set => set.table === table)
    .flatMap(set =>
      objects(set.elem).map(wrapped => {
        const { val, counter } = object(wrapped.elem);
        const { concat } = object(val);
        const key = (Array.isArray(concat) ? concat : [val]).map(String);
        return { set: String(set.name), key, frames: Number(object(counter).packets ?? 0) };
      }),
    );
  const all = new Map(elements.map(({ set, key, frames }) => [`${set} ${key.join(' ')}`, frames]));
  return {
    get: (set, ...key) => all.get(`${set} ${key.join(' ')}`) ?? 0,
    of: (set, first) =>
      elements
        .filter(element => element.set === set && element.key[0] === first)
        .map(({ key, frames }) => ({ rest: key.slice(1), frames })),
  };
}
