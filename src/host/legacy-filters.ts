import { type BaseChain, DROPS, type Filter, filterOf, type Rule, reach } from './filters.js';
import { grouped } from './grouped.js';

/** Base chains out of `iptables-save` and its like that drop something. */
export const legacyFilters = (program: string, family: Filter['family'], text: string): Filter[] =>
  legacyChains(family, text).flatMap(chain => {
    const asked = chain.table === 'filter' ? program : `${program} -t ${chain.table}`;
    return filterOf(chain, `${asked} chain ${chain.name}`);
  });

/** Base chains out of `iptables-save` and its like, a table at a time: each has chains of the same names. */
export const legacyChains = (family: Filter['family'], text: string): BaseChain[] =>
  text.split(/^\*/m).flatMap(part => {
    const [table = '', ...lines] = part.split('\n');
    return chainsOf(table, family, lines);
  });

function chainsOf(table: string, family: Filter['family'], lines: readonly string[]): BaseChain[] {
  const policies = new Map(
    lines.flatMap(line => {
      const [, name = '', policy = ''] = /^:(\S+) (\S+)/.exec(line) ?? [];
      return name ? [[name, policy] as const] : [];
    }),
  );
  const rules = grouped(
    lines.filter(line => line.startsWith('-A ')),
    line => line.split(' ')[1] ?? '',
  );
  const read = (line: string): Rule => {
    // A comment may hold anything.
    const [, target = ''] = / -[jg] (\S+)/.exec(line.replace(/"(\\.|[^"])*"/g, '""')) ?? [];
    return DROPS.includes(target)
      ? { drops: [`rule ${line.slice(0, 100)}`], targets: [] }
      : { drops: [], targets: [target] };
  };
  const rulesOf = (chain: string): Rule[] => {
    // Chains that a user has made have a policy in ebtables only.
    const policy = policies.get(chain) === 'DROP' ? [{ drops: [policyOf(chain)], targets: [] }] : [];
    return [...policy, ...(rules.get(chain) ?? []).map(read)];
  };
  const policyOf = (chain: string) => (HOOKS.includes(chain) ? 'policy DROP' : `policy DROP of ${chain}`);
  return [...policies.keys()]
    .filter(name => HOOKS.includes(name))
    .map(name => ({
      family,
      hook: name.toLowerCase(),
      devices: [],
      table,
      name,
      policyDrops: policies.get(name) === 'DROP',
      ...reach(name, rulesOf),
    }));
}

/** Chains that the kernel calls. */
const HOOKS: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING', 'BROUTING'];

/**
 * What `ebtables -L` and `arptables -L -n` list of a table, in the words of a save: their own programs that save ask
 * whatever goes by the plain name, which mostly is nftables'.
 */
export function saved(table: string, listed: string): string {
  let chain = '';
  const lines = listed.split('\n').flatMap(line => {
    const [, ofBridge, bridgePolicy, ofArp, arpPolicy] = HEAD.exec(line) ?? [];
    if (line.startsWith('-')) return [`-A ${chain} ${line}`];
    if (ofBridge === undefined && ofArp === undefined) return [];
    chain = ofBridge ?? ofArp ?? '';
    return [`:${chain} ${bridgePolicy ?? arpPolicy ?? '-'}`];
  });
  return [`*${table}`, ...lines].join('\n');
}

const HEAD = /^(?:Bridge chain: (\S+), entries: \d+, policy: (\w+)|Chain (\S+) \((?:policy (\w+))?)/;
