import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { object, objects, string } from './json.js';

/** A base chain of the host's own filters that can drop a frame. */
export interface Filter {
  readonly family: 'bridge' | 'ip' | 'ip6' | 'inet' | 'arp' | 'netdev';
  /** nftables' word, in small letters: `forward`, `prerouting`, `ingress`, … */
  readonly hook: string;
  /** Devices of a netdev chain; empty where nft does not tell. */
  readonly devices: readonly string[];
  /** Table and chain, for people. */
  readonly where: string;
  /** What drops there, in the order of the rules: `policy drop`, `handle 7 drops`. */
  readonly drops: readonly string[];
}

/** A classifier of tc on a device. */
export interface TcFilter {
  readonly device: string;
  readonly side: 'ingress' | 'egress';
  readonly text: string;
}

/** Every chain that can drop, of nftables and of the legacy tables; programs that are not there have none. */
export async function readFilters({ nft, run }: Drivers): Promise<Filter[]> {
  const [ruleset, legacy] = await Promise.all([
    nft.ruleset().catch(() => []),
    Promise.all(
      Object.entries(LEGACY).map(async ([program, family]) => {
        const text = await run(program, [], { allowFailure: true }).then(
          ({ stdout }) => stdout,
          () => '',
        );
        return legacyFilters(program.replace('-legacy-save', ''), family, text);
      }),
    ),
  ]);
  return [...nftFilters(ruleset), ...legacy.flat()];
}

/** Where these programs are front-ends of nftables, their rules are in the ruleset already. */
const LEGACY = {
  'iptables-legacy-save': 'ip',
  'ip6tables-legacy-save': 'ip6',
  'arptables-legacy-save': 'arp',
  'ebtables-legacy-save': 'bridge',
} as const;

/** Base chains out of `nft -j list ruleset`; a rule that jumps drops what its target drops. */
export function nftFilters(listed: readonly Record<string, unknown>[]): Filter[] {
  const rules = listed.map(entry => object(entry.rule)).filter(rule => rule.chain !== undefined);
  const key = ({ family, table }: IpJson, chain: unknown) => `${family} ${table} ${chain}`;
  const byChain = new Map<string, IpJson[]>();
  for (const rule of rules) {
    const place = key(rule, rule.chain);
    byChain.set(place, [...(byChain.get(place) ?? []), rule]);
  }
  const dropsIn = (place: string, passed: readonly string[]): string[] =>
    passed.includes(place)
      ? []
      : (byChain.get(place) ?? []).flatMap(rule =>
          objects(rule.expr).flatMap(expression => {
            if ('drop' in expression || 'reject' in expression)
              return [`chain ${rule.chain} handle ${rule.handle} drops`];
            const target = object(expression.jump ?? expression.goto).target;
            return target === undefined ? [] : dropsIn(key(rule, target), [...passed, place]);
          }),
        );
  return listed
    .map(entry => object(entry.chain))
    .filter(chain => chain.hook !== undefined)
    .map(chain => ({
      family: chain.family as Filter['family'],
      hook: string(chain.hook) ?? '',
      devices: [chain.dev].flat().filter((dev): dev is string => typeof dev === 'string'),
      where: `nft ${chain.family} table ${chain.table}, chain ${chain.name}`,
      drops: [...(chain.policy === 'drop' ? ['policy drop'] : []), ...dropsIn(key(chain, chain.name), [])],
    }))
    .filter(({ drops }) => drops.length > 0);
}

/** The same out of `iptables-save` and its like. */
export function legacyFilters(program: string, family: Filter['family'], text: string): Filter[] {
  const lines = text.split('\n');
  const chains = lines.flatMap(line => {
    const [, name = '', policy = ''] = /^:(\S+) (\S+)/.exec(line) ?? [];
    return name && policy !== '-' ? [{ name, policy }] : [];
  });
  const rules = lines.flatMap(line => {
    const [, chain = '', target = ''] = /^-A (\S+) .*?-[jg] (\S+)/.exec(line) ?? [];
    return chain ? [{ chain, target, line }] : [];
  });
  const dropsIn = (chain: string, passed: readonly string[]): string[] =>
    passed.includes(chain)
      ? []
      : rules.flatMap(rule => {
          if (rule.chain !== chain) return [];
          if (['DROP', 'REJECT'].includes(rule.target)) return [`rule ${rule.line.slice(0, 100)}`];
          return dropsIn(rule.target, [...passed, chain]);
        });
  return chains
    .map(({ name, policy }) => ({
      family,
      hook: name.toLowerCase(),
      devices: [],
      where: `${program} chain ${name}`,
      drops: [...(policy === 'DROP' ? ['policy DROP'] : []), ...dropsIn(name, [])],
    }))
    .filter(({ drops }) => drops.length > 0);
}

/** Classifiers on these devices: two processes a device, so for few of them. */
export async function readTcFilters(devices: readonly string[], { run }: Drivers): Promise<TcFilter[]> {
  const sides = devices.flatMap(device => (['ingress', 'egress'] as const).map(side => ({ device, side })));
  const found = await Promise.all(
    sides.map(async ({ device, side }) => {
      const { stdout } = await run('tc', ['-j', 'filter', 'show', 'dev', device, side], {
        allowFailure: true,
      }).catch(() => ({ stdout: '' }));
      return tcFilters(device, side, stdout);
    }),
  );
  return found.flat();
}

/** tc prints a classifier several times, once with what it does; and nothing at all where there is none. */
export function tcFilters(device: string, side: TcFilter['side'], stdout: string): TcFilter[] {
  const listed = stdout.trim() === '' ? [] : objects(JSON.parse(stdout));
  return listed
    .filter(({ options }) => options !== undefined && object(options).ht_divisor === undefined)
    .map(({ kind, pref, options }) => {
      const actions = objects(object(options).actions).map(action => describeAction(action));
      return { device, side, text: [`${kind} filter, pref ${pref}`, ...actions].join(', ') };
    });
}

const describeAction = (action: IpJson) =>
  [action.kind, action.mirred_action, action.to_dev && `to ${action.to_dev}`].filter(Boolean).join(' ');
