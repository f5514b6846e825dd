import type { FirewallRule } from '../model.js';
import { effectOf, meansOnly, type Replaced } from './effect.js';

/** Where iptables is a front-end of nftables, its rules are in the ruleset already; the legacy tables are not. */
export const LEGACY = ['iptables', 'ip6tables'] as const;

/** Matches of an interface; those of br_netfilter and all of ebtables speak of ports. */
const INTERFACE = ['-i', '--in-interface', '-o', '--out-interface'];
const PORT = ['--physdev-in', '--physdev-out'];

/** Lines of `iptables-save` and its like, by table, that name an uplink. */
export function legacyRules(program: string, text: string, uplinks: readonly Replaced[]): FirewallRule[] {
  const ofPorts = program === 'ebtables';
  let table = '';
  return text.split('\n').flatMap(line => {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (!line.startsWith('-A ')) return [];
    const words = line.split(' ');
    return words.flatMap((name, i) => {
      // `! -i eth0`; ebtables and old iptables: `-i ! eth0`.
      const [before = '', option = before] =
        words[i - 1] === '!' ? ['!', words[i - 2]] : [words[i - 2], words[i - 1]];
      const atPort = PORT.includes(option) || ofPorts;
      if (!PORT.includes(option) && !INTERFACE.includes(option)) return [];
      return uplinks
        .filter(uplink => meansOnly([name], uplink))
        .map(({ device }) => ({
          device,
          where: `${program} table ${table}`,
          text: line.slice(0, 120),
          effect: atPort ? ('sees-guests' as const) : effectOf(kindOf(words), before === '!'),
        }));
    });
  });
}

function kindOf(words: readonly string[]): 'accept' | 'drop' | 'other' {
  const target = words[words.indexOf('-j') + 1] ?? '';
  return target === 'ACCEPT' ? 'accept' : ['DROP', 'REJECT'].includes(target) ? 'drop' : 'other';
}
