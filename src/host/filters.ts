import type { IpJson } from '../drivers/iproute2.js';
import { grouped } from './grouped.js';
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
  /** Goes through the chain that Docker keeps for rules of others. */
  readonly toDockerUser: boolean;
}

/** A chain that the kernel calls, and what it leads to. */
export interface BaseChain extends Omit<Filter, 'where' | 'toDockerUser'> {
  readonly table: string;
  readonly name: string;
  /** Does its policy drop what no rule accepts? */
  readonly policyDrops: boolean;
  /** Itself, and the chains of its table that it leads to. */
  readonly reached: ReadonlySet<string>;
}

/** A classifier of tc on a device. */
export interface TcFilter {
  readonly device: string;
  readonly side: 'ingress' | 'egress';
  readonly text: string;
}

/** What a rule does: drops, in words, and goes on in other chains. */
export interface Rule {
  readonly drops: readonly string[];
  readonly targets: readonly string[];
}

/** What drops in a chain and in those that it leads to; each of them once. */
export function reach(
  start: string,
  rulesOf: (chain: string) => readonly Rule[],
): Pick<BaseChain, 'drops' | 'reached'> {
  const reached = new Set<string>();
  const visit = (chain: string): string[] => {
    if (reached.has(chain)) return [];
    reached.add(chain);
    return rulesOf(chain).flatMap(({ drops, targets }) => [...drops, ...targets.flatMap(visit)]);
  };
  return { drops: visit(start), reached };
}

/** Base chains out of `nft -j list ruleset` that drop something. */
export const nftFilters = (listed: readonly Record<string, unknown>[]): Filter[] =>
  nftChains(listed).flatMap(chain => filterOf(chain, nftName(chain)));

/** Table and chain, for people. */
export const nftName = ({ family, table, name }: BaseChain) => `nft ${family} table ${table}, chain ${name}`;

export const filterOf = (chain: BaseChain, where: string): Filter[] => {
  const { family, hook, devices, drops, reached } = chain;
  if (drops.length === 0) return [];
  return [{ family, hook, devices, where, drops, toDockerUser: reached.has(DOCKER_USER) }];
};

const DOCKER_USER = 'DOCKER-USER';

/** Base chains out of `nft -j list ruleset`; a rule that jumps drops what its target drops. */
export function nftChains(listed: readonly Record<string, unknown>[]): BaseChain[] {
  const place = ({ family, table }: IpJson, name: unknown) => `${family} ${table} ${name}`;
  const maps = new Map(
    listed.map(entry => object(entry.map)).map(map => [place(map, map.name), map.elem] as const),
  );
  const rules = grouped(
    listed.map(entry => object(entry.rule)).filter(rule => rule.chain !== undefined),
    rule => place(rule, rule.chain),
  );
  /** The verdict of an expression; of a verdict map, all of its elements'. */
  const verdicts = (rule: IpJson, expression: IpJson): IpJson[] => {
    if (expression.vmap === undefined) return [expression];
    const { data } = object(expression.vmap);
    const pairs = typeof data === 'string' ? maps.get(place(rule, data.slice(1))) : object(data).set;
    return Array.isArray(pairs) ? pairs.map(pair => object(Array.isArray(pair) ? pair[1] : null)) : [];
  };
  const read = (rule: IpJson): Rule => {
    const all = objects(rule.expr).flatMap(expression => verdicts(rule, expression));
    return {
      drops: all.some(isDrop) ? [`chain ${rule.chain} handle ${rule.handle} drops`] : [],
      targets: all.flatMap(verdict => {
        const target = string(object(verdict.jump ?? verdict.goto).target);
        return target ?? [];
      }),
    };
  };
  return listed
    .map(entry => object(entry.chain))
    .filter(chain => chain.hook !== undefined)
    .map(chain => {
      const name = `${chain.name}`;
      const { drops, reached } = reach(name, it => (rules.get(place(chain, it)) ?? []).map(read));
      const policyDrops = chain.policy === 'drop';
      return {
        family: chain.family as Filter['family'],
        hook: string(chain.hook) ?? '',
        devices: [chain.dev].flat().filter(dev => typeof dev === 'string'),
        table: `${chain.table}`,
        name,
        policyDrops,
        drops: policyDrops ? ['policy drop', ...drops] : drops,
        reached,
      };
    });
}

/** What rules of iptables' nftables kind do that nftables has no word for is told by name. */
const isDrop = (verdict: IpJson) =>
  'drop' in verdict || 'reject' in verdict || DROPS.includes(string(object(verdict.xt).name) ?? '');

export const DROPS: readonly string[] = ['DROP', 'REJECT'];

/** tc lists a classifier several times, once with what it does. */
export const tcFilters = (device: string, side: TcFilter['side'], listed: readonly IpJson[]): TcFilter[] =>
  listed
    .filter(({ options }) => options !== undefined && object(options).ht_divisor === undefined)
    .map(({ kind, pref, options }) => {
      const actions = objects(object(options).actions).map(describeAction);
      return { device, side, text: [`${kind} filter, pref ${pref}`, ...actions].join(', ') };
    });

const describeAction = (action: IpJson) =>
  [action.kind, action.mirred_action, action.to_dev && `to ${action.to_dev}`].filter(Boolean).join(' ');
