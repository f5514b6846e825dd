import type { Drivers } from '../drivers/drivers.js';
import { isForwarded } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import type { LabRecord, Link, Route } from './model.js';

type Sysctls = Record<string, string>;

/** An interface's switches for forwarding what comes in by it, below /proc/sys. */
export const switchesOf = (name: string): string[] => [
  `net/ipv4/conf/${name}/forwarding`,
  `net/ipv6/conf/${name}/force_forwarding`,
];

/** Switches that a lab which forwards may have to turn on, and those that it has turned on. */
export async function readForwarding(
  lab: Lab | null,
  links: readonly Link[],
  routes: readonly Route[],
  records: readonly LabRecord[],
  { kernel }: Drivers,
): Promise<Sysctls> {
  const own = records.find(({ name }) => name === lab?.name);
  const touched = records.flatMap(({ forwarding }) => Object.keys(forwarding ?? {}));
  const bridges = [...(lab?.bridges ?? []), ...(own?.lab.bridges ?? [])].filter(isForwarded);
  if (bridges.length === 0 && touched.length === 0) return {};
  const names = bridges.map(
    ({ name, altname }) => links.find(it => it.altnames.includes(altname))?.name ?? name,
  );
  // With several next hops, replies may come back by each.
  const ways = routes
    .filter(({ dst }) => dst === 'default')
    .flatMap(({ dev, nexthops }) => [dev, ...nexthops.map(hop => hop.dev)]);
  const paths = [
    'net/ipv6/conf/all/forwarding',
    ...['default', ...names, ...ways.filter(dev => dev !== null)].flatMap(switchesOf),
    ...touched,
  ];
  const wanted = [...new Set(paths)];
  const values = await Promise.all(wanted.map(path => kernel.readSysctl(path)));
  return Object.fromEntries(wanted.flatMap((path, i) => (values[i] == null ? [] : [[path, values[i]]])));
}
