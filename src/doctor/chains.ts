import { type BaseChain, nftChains, nftName } from '../host/filters.js';
import { legacyChains } from '../host/legacy-filters.js';

/** A chain of the host's firewall through which forwarded packets go, as much of it as can drop them. */
export interface ForwardChain {
  /** Table and chain, for people: `iptables-legacy table filter, chain FORWARD`. */
  readonly where: string;
  /** 4, 6, or both. */
  readonly family: 'ip' | 'ip6' | 'inet';
  /** Does its policy drop what no rule accepts? */
  readonly drops: boolean;
  /** Rules in it, or in chains that it leads to, that drop or reject something. */
  readonly rules: number;
  /** Does it lead to Docker's chain for the user's own rules? */
  readonly docker: boolean;
  /** Program that adds a rule to it, and where nft has to. */
  readonly program: 'iptables' | 'ip6tables' | 'iptables-legacy' | 'ip6tables-legacy' | 'nft';
  /** As nft names it: `inet firewalld filter_FORWARD`; else the chain's name. */
  readonly name: string;
}

/** From `nft -j list ruleset`. */
export const nftForwardChains = (listed: readonly Record<string, unknown>[]): ForwardChain[] =>
  nftChains(listed).flatMap(chain => {
    const { family, table, name } = chain;
    // iptables in front of nftables keeps its built-in chains in capitals, in tables of its own names.
    const front = table === 'filter' && name === 'FORWARD' && family !== 'inet';
    return front
      ? forwarding(chain, nftName(chain), family === 'ip' ? 'iptables' : 'ip6tables', name)
      : forwarding(chain, nftName(chain), 'nft', `${family} ${table} ${name}`);
  });

/** From `iptables-legacy-save` and `ip6tables-legacy-save`. */
export const legacyForwardChains = (
  program: 'iptables-legacy' | 'ip6tables-legacy',
  text: string,
): ForwardChain[] =>
  legacyChains(program === 'iptables-legacy' ? 'ip' : 'ip6', text).flatMap(chain =>
    forwarding(chain, `${program} table ${chain.table}, chain ${chain.name}`, program, chain.name),
  );

function forwarding(
  { family, hook, policyDrops, drops, reached }: BaseChain,
  where: string,
  program: ForwardChain['program'],
  name: string,
): ForwardChain[] {
  if (hook !== 'forward' || (family !== 'ip' && family !== 'ip6' && family !== 'inet')) return [];
  const rules = drops.length - (policyDrops ? 1 : 0);
  return [{ where, family, drops: policyDrops, rules, docker: reached.has('DOCKER-USER'), program, name }];
}
