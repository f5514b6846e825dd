import { object, objects, string } from '../host/json.js';

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

interface Chain {
  dropping: number;
  readonly next: string[];
}

/** Rules that drop in a chain and those it leads to, however they are chained. */
function reach(start: string, chains: ReadonlyMap<string, Chain>): { rules: number; names: Set<string> } {
  const names = new Set<string>();
  const queue = [start];
  let rules = 0;
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    rules += chains.get(name)?.dropping ?? 0;
    queue.push(...(chains.get(name)?.next ?? []));
  }
  return { rules, names };
}

const DOCKER_USER = 'DOCKER-USER';

/** From `nft -j list ruleset`. */
export function nftForwardChains(listed: readonly Record<string, unknown>[]): ForwardChain[] {
  const chains = new Map<string, Chain>();
  const key = (at: Record<string, unknown>, name: unknown) => `${at.family} ${at.table} ${name}`;
  const chain = (at: string) => {
    const known = chains.get(at) ?? { dropping: 0, next: [] };
    chains.set(at, known);
    return known;
  };
  for (const entry of listed) {
    const rule = object(entry.rule);
    for (const expression of objects(rule.expr)) {
      const at = chain(key(rule, rule.chain));
      if (isDrop(expression)) at.dropping++;
      for (const target of targetsIn(expression)) at.next.push(key(rule, target));
    }
  }
  return listed.flatMap(entry => {
    const found = object(entry.chain);
    const family = string(found.family);
    if (found.hook !== 'forward' || (family !== 'ip' && family !== 'ip6' && family !== 'inet')) return [];
    const { rules, names } = reach(key(found, found.name), chains);
    const docker = names.has(key(found, DOCKER_USER));
    // iptables in front of nftables keeps its built-in chains in capitals, in tables of its own names.
    const front = found.table === 'filter' && found.name === 'FORWARD' && family !== 'inet';
    return [
      {
        where: `nft ${family} table ${found.table}, chain ${found.name}`,
        family,
        drops: found.policy === 'drop',
        rules,
        docker,
        program: front ? (family === 'ip' ? 'iptables' : 'ip6tables') : 'nft',
        name: front ? 'FORWARD' : `${family} ${found.table} ${found.name}`,
      } as const,
    ];
  });
}

/** nft's own verdicts, and iptables' REJECT, which it shows as an extension. */
const isDrop = (expression: Record<string, unknown>): boolean =>
  'drop' in expression || 'reject' in expression || object(expression.xt).name === 'REJECT';

const targetsIn = (expression: Record<string, unknown>): string[] =>
  ['jump', 'goto'].flatMap(verb => string(object(expression[verb]).target) ?? []);

/** From `iptables-legacy-save` and `ip6tables-legacy-save`. */
export function legacyForwardChains(
  program: 'iptables-legacy' | 'ip6tables-legacy',
  text: string,
): ForwardChain[] {
  return text.split(/^\*/m).flatMap(part => {
    const [table = '', ...lines] = part.split('\n');
    const policy = lines.map(line => /^:FORWARD (\S+)/.exec(line)?.[1]).find(Boolean);
    if (policy === undefined) return [];
    const chains = new Map<string, Chain>();
    for (const line of lines) {
      const [, name = '', target = ''] = /^-A (\S+).* -[jg] (\S+)/.exec(line) ?? [];
      const chain = chains.get(name) ?? { dropping: 0, next: [] };
      chains.set(name, chain);
      if (target === 'DROP' || target === 'REJECT') chain.dropping++;
      else if (target) chain.next.push(target);
    }
    const { rules, names } = reach('FORWARD', chains);
    return [
      {
        where: `${program} table ${table.trim()}, chain FORWARD`,
        family: program === 'iptables-legacy' ? 'ip' : 'ip6',
        drops: policy === 'DROP',
        rules,
        docker: names.has(DOCKER_USER),
        program,
        name: 'FORWARD',
      } as const,
    ];
  });
}
