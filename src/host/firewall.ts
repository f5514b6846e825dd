import type { Drivers } from '../drivers/drivers.js';
import { object, objects, string } from './json.js';
import type { FirewallRule } from './model.js';

/** Rules that name one of these interfaces: they stop matching when its addresses move to a bridge. */
export async function rulesNaming(devices: readonly string[], drivers: Drivers): Promise<FirewallRule[]> {
  if (devices.length === 0) return [];
  const [nft, legacy] = await Promise.all([
    drivers.nft.ruleset().catch(() => []),
    Promise.all(LEGACY.map(program => saved(program, drivers))),
  ]);
  return [
    ...nftRules(nft, devices),
    ...legacy.flatMap(({ program, text }) => legacyRules(program, text, devices)),
  ];
}

/** Where iptables is a front-end of nftables, its rules are in the ruleset already; the legacy tables are not. */
const LEGACY = ['iptables-legacy-save', 'ip6tables-legacy-save'];

async function saved(program: string, drivers: Drivers): Promise<{ program: string; text: string }> {
  const text = await drivers.run(program, [], { allowFailure: true }).then(
    result => result.stdout,
    () => '', // not installed: no such tables
  );
  return { program, text };
}

/** Keys of nft's `meta` that hold an interface. */
const INTERFACE_KEYS = ['iif', 'iifname', 'oif', 'oifname'];

export function nftRules(
  listed: readonly Record<string, unknown>[],
  devices: readonly string[],
): FirewallRule[] {
  return listed.flatMap(entry => {
    const rule = object(entry.rule);
    return objects(rule.expr).flatMap(expression => {
      const match = object(expression.match);
      const key = string(object(object(match.left).meta).key);
      if (key === null || !INTERFACE_KEYS.includes(key)) return [];
      const names = namesIn(match.right);
      return devices
        .filter(device => names.includes(device))
        .map(device => ({
          device,
          where: `nft ${rule.family} table ${rule.table}, chain ${rule.chain}, handle ${rule.handle}`,
          text: `${key} ${match.op === '!=' ? '!= ' : ''}${device}`,
        }));
    });
  });
}

/** One name, or those of a set. */
function namesIn(right: unknown): string[] {
  if (typeof right === 'string') return [right];
  const { set } = object(right);
  return Array.isArray(set) ? set.filter((item): item is string => typeof item === 'string') : [];
}

/** Lines of `iptables-save`, by table. */
export function legacyRules(program: string, text: string, devices: readonly string[]): FirewallRule[] {
  let table = '';
  return text.split('\n').flatMap(line => {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const words = line.split(' ');
    const named = words.filter((_, i) => ['-i', '-o'].includes(words[i - 1] ?? ''));
    return devices
      .filter(device => named.includes(device))
      .map(device => ({
        device,
        where: `${program.replace('-legacy-save', '')} table ${table}`,
        text: line.slice(0, 120),
      }));
  });
}
