import { printed } from '../host/printed.js';
import { BRIDGE_NETFILTER } from '../host/sysctls.js';
import type { Lab } from '../lab/model.js';
import { type ForwardChain, legacyForwardChains, nftForwardChains } from './chains.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export interface NetfilterFacts {
  /** Value of each of br_netfilter's switches, by its name: `iptables`, `ip6tables`, `arptables`; null where it is absent. */
  readonly switches: Readonly<Record<string, string | null>>;
  readonly chains: readonly ForwardChain[];
  /** Why the ruleset could not be read; null where it could. */
  readonly unread: string | null;
  readonly lab: Lab | null;
}

export async function lookAtNetfilter({ drivers, lab }: Ground): Promise<Finding[]> {
  const values = await Promise.all(BRIDGE_NETFILTER.map(path => drivers.kernel.readSysctl(path)));
  const switches = Object.fromEntries(
    BRIDGE_NETFILTER.map((path, i) => [path.replace(/.*call-/, ''), values[i] ?? null]),
  );
  const saved = (program: 'iptables-legacy' | 'ip6tables-legacy') =>
    printed(drivers, `${program}-save`).then(text => legacyForwardChains(program, text));
  const [nft, four, six] = await Promise.all([
    drivers.nft.ruleset().then(nftForwardChains, (error: Error) => error),
    saved('iptables-legacy'),
    saved('ip6tables-legacy'),
  ]);
  const unread = nft instanceof Error ? (nft.message.split('\n')[0] ?? '') : null;
  return judgeNetfilter({
    switches,
    chains: [...(nft instanceof Error ? [] : nft), ...four, ...six],
    unread,
    lab,
  });
}

/** Which firewall families each switch sends bridged frames through. */
const FAMILIES: Readonly<Record<string, readonly ForwardChain['family'][]>> = {
  iptables: ['ip', 'inet'],
  ip6tables: ['ip6', 'inet'],
  arptables: [],
};

export function judgeNetfilter({ switches, chains, unread, lab }: NetfilterFacts): Finding[] {
  const on = Object.keys(switches).filter(name => (switches[name] ?? '0') !== '0');
  const kept = (lab?.bridges ?? []).filter(bridge => bridge.bridgeNetfilter === 'keep');
  const off = lab !== null && kept.length === 0;
  const bridge = kept[0]?.name ?? 'br0';
  const met = chains.filter(({ family }) => on.some(name => FAMILIES[name]?.includes(family)));
  return [
    judgeSwitches(switches, on, off),
    judgeForward(met, chains, { on: on.length > 0, off, unread, bridge }),
  ];
}

function judgeSwitches(switches: NetfilterFacts['switches'], on: readonly string[], off: boolean): Finding {
  const it = about(
    'bridge-netfilter',
    'br_netfilter',
    "It sends bridged frames through the host's firewall: a detour for every guest.",
  );
  if (Object.values(switches).every(value => value === null)) return it.ok('not loaded');
  if (on.length === 0) return it.ok('loaded, and off');
  const names = on.map(name => `bridge-nf-call-${name}`).join(', ');
  if (off) return it.ok(`on (${names}); the lab turns it off ("bridgeNetfilter": "off")`);
  return it.warning(
    `on: ${names}`,
    [
      '"bridgeNetfilter": "off" in the lab\'s bridges, or for all of the host:',
      ...on.map(name => `sysctl net.bridge.bridge-nf-call-${name}=0`),
    ].join('\n'),
  );
}

function judgeForward(
  met: readonly ForwardChain[],
  all: readonly ForwardChain[],
  { on, off, unread, bridge }: { on: boolean; off: boolean; unread: string | null; bridge: string },
): Finding {
  const it = about(
    'forward',
    'FORWARD policy',
    'With br_netfilter on, what drops forwarded packets drops the frames of guests too.',
  );
  const dropping = met.filter(chain => chain.drops);
  const others = met.filter(chain => !chain.drops && chain.rules > 0);
  if (on && !off && dropping.length > 0)
    return it.fault(
      `these drop what no rule accepts: ${places(dropping)}`,
      [
        ...new Set(dropping.map(chain => accept(chain, bridge))),
        'or "bridgeNetfilter": "off" in the lab\'s bridges',
      ].join('\n'),
    );
  if (unread !== null) return it.unseen(unread, 'sudo vmnet doctor');
  if (on && !off && others.length > 0)
    return it.warning(
      `rules there may drop guests' frames: ${places(others)}`,
      'look at them: nft list ruleset; iptables-legacy-save\nor "bridgeNetfilter": "off" in the lab\'s bridges',
    );
  const present = all.filter(chain => chain.drops);
  if (present.length > 0) return it.ok(`dropping in ${places(present)}, but bridged frames do not come by`);
  return it.ok('nothing drops forwarded packets by policy');
}

const places = (chains: readonly ForwardChain[]) => chains.map(({ where }) => where).join('; ');

/** One rule before all others that lets the bridge's own traffic pass. */
function accept({ program, name, docker }: ForwardChain, bridge: string): string {
  if (program === 'nft') return `nft insert rule ${name} iifname "${bridge}" oifname "${bridge}" accept`;
  return `${program} -I ${docker ? 'DOCKER-USER' : name} -i ${bridge} -o ${bridge} -j ACCEPT`;
}
