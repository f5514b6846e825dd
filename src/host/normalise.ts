import type { HostState } from './model.js';

/**
 * A host's state as comparable lines, so that "the host is as it was" can be looked at instead of claimed.
 * Left out, each for its reason:
 * - `operState`, `portState`: follow from carriers, which come and go by themselves;
 * - lifetimes of addresses: they run;
 * - the interface index: stays with a link, and a link that comes back under its name is as good;
 * - records: ours, and removed after the comparison.
 */
export function normalise(host: HostState): string[] {
  const lines = [
    ...host.links.map(({ addresses, index, operState, portState, ...link }) =>
      line(`link ${link.name}`, link),
    ),
    ...host.links.flatMap(link =>
      link.addresses.map(({ validLifetime, preferredLifetime, ...address }, i) =>
        line(`address ${i + 1} of ${link.name}`, address),
      ),
    ),
    ...host.routes.map(route => line(`route ${route.dst} in table ${route.table}`, route)),
    ...host.rules.map(rule => line(`rule ${rule.priority}`, rule)),
    ...host.neighbours.map(entry => line(`neighbour ${entry.dst} on ${entry.dev}`, entry)),
    ...Object.entries(host.sysctls).map(([path, value]) => `sysctl ${path.replaceAll('/', '.')} = ${value}`),
    ...(host.libvirt?.domains ?? []).map(({ name, uuid, state }) => line(`domain ${name}`, { uuid, state })),
  ];
  return lines.sort();
}

const line = (what: string, value: object) => `${what}: ${JSON.stringify(value)}`;

/** What differs between two states, one line each: `missing: …` and `left over: …`. Empty where nothing does. */
export function difference(before: HostState, after: HostState): string[] {
  const [old, now] = [normalise(before), normalise(after)];
  const [oldSet, nowSet] = [new Set(old), new Set(now)];
  return [
    ...old.filter(entry => !nowSet.has(entry)).map(entry => `missing: ${entry}`),
    ...now.filter(entry => !oldSet.has(entry)).map(entry => `left over: ${entry}`),
  ];
}
