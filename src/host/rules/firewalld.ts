import type { Drivers } from '../../drivers/drivers.js';
import type { FirewallRule } from '../model.js';
import type { Replaced } from './effect.js';

/**
 * Zones that firewalld has uplinks in, now and after a restart. The bridge would be in the default zone.
 * Asked only where we are in its network namespace, which is PID 1's.
 */
export async function firewalldZones(
  uplinks: readonly Replaced[],
  { run, kernel }: Drivers,
): Promise<FirewallRule[]> {
  if (!(await kernel.hasSystemd())) return [];
  const ask = (...args: string[]) =>
    run('firewall-cmd', args, { allowFailure: true }).then(
      ({ stdout, exitCode }) => (exitCode === 0 ? stdout : ''),
      () => '', // not installed
    );
  const state = await ask('--get-default-zone');
  if (state === '') return []; // not running: its rules are not loaded
  const [runtime, permanent] = await Promise.all([
    ask('--get-active-zones'),
    ask('--permanent', '--list-all-zones'),
  ]);
  return [
    ...zoneRules('runtime', zonesOf(runtime), state.trim(), uplinks),
    ...zoneRules('permanent', zonesOf(permanent), state.trim(), uplinks),
  ];
}

/** `--get-active-zones` or `--list-all-zones`: a zone's name at the start of a line, what belongs to it indented. */
export function zonesOf(text: string): Map<string, string> {
  let zone = '';
  return new Map(
    text.split('\n').flatMap(line => {
      // Later versions add "(active)" and "(default)".
      zone = /^(\S+)/.exec(line)?.[1] ?? zone;
      const names = /^\s+interfaces:(.*)$/.exec(line)?.[1] ?? '';
      return names.split(/\s+/).flatMap(name => (name === '' ? [] : [[name, zone] as const]));
    }),
  );
}

/** One that the bridge would not be in as well. */
export function zoneRules(
  when: 'runtime' | 'permanent',
  zones: ReadonlyMap<string, string>,
  defaultZone: string,
  uplinks: readonly Replaced[],
): FirewallRule[] {
  return uplinks.flatMap(({ device, bridge }) => {
    const [from, to] = [zones.get(device), zones.get(bridge) ?? defaultZone];
    if (from === undefined || from === to) return [];
    const text = `${device} is in it, ${bridge} would be in ${to}`;
    return [{ device, where: `firewalld zone ${from} (${when})`, text, effect: zoneEffect(from, to) }];
  });
}

/** Its own zones from the least trusted to the most (firewalld.zones(5)); of others nobody knows. */
const TRUST = ['drop', 'block', 'public', 'external', 'dmz', 'work', 'home', 'internal', 'trusted'];

function zoneEffect(from: string, to: string): FirewallRule['effect'] {
  const [before, after] = [TRUST.indexOf(from), TRUST.indexOf(to)];
  if (before === -1 || after === -1) return 'no-longer-applies';
  return before > after ? 'locks-out' : 'opens-up';
}
