import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';
import type { LabRecord, Link } from './model.js';

type Sysctls = Record<string, string>;

/** br_netfilter's switches: 1 sends bridged frames through the host's netfilter. */
export const BRIDGE_NETFILTER = ['iptables', 'ip6tables', 'arptables'].map(
  table => `net/bridge/bridge-nf-call-${table}`,
);

/** What plans ask about every uplink and bridge, below net/ipv6/conf/NAME. */
const OF_INTEREST = [
  'addr_gen_mode',
  'accept_dad',
  'disable_ipv6',
  'accept_ra',
  'autoconf',
  'forwarding',
  'ra_defrtr_metric',
];

/** Sysctls that a plan may touch, and those that records say were touched. */
export async function readSysctls(
  { kernel }: Drivers,
  nics: readonly string[],
  records: readonly LabRecord[],
): Promise<Sysctls> {
  const touched = records.flatMap(({ uplinks }) =>
    Object.values(uplinks).flatMap(({ bridgeSysctls }) => Object.keys(bridgeSysctls ?? {})),
  );
  const paths = [
    ...BRIDGE_NETFILTER,
    ...nics.flatMap(name => OF_INTEREST.map(key => `net/ipv6/conf/${name}/${key}`)),
    ...touched,
  ];
  const values = await Promise.all(paths.map(path => kernel.readSysctl(path)));
  return Object.fromEntries(paths.flatMap((path, i) => (values[i] == null ? [] : [[path, values[i]]])));
}

/** Where the kernel keeps sysctls by interface. */
const TREES = ['net/ipv4/conf', 'net/ipv6/conf', 'net/ipv4/neigh', 'net/ipv6/neigh'];

/**
 * All sysctls of uplinks whose identity is about to move, and of the bridges that inherit it; of a bridge that is
 * not there yet, those that it will start with.
 */
export async function heirs(lab: Lab | null, links: readonly Link[], { kernel }: Drivers): Promise<Sysctls> {
  const names = (lab?.bridges ?? []).flatMap(({ name, altname, uplink, address }) => {
    const nic = links.find(link => link.name === uplink);
    if (!nic || nic.master !== null || address.mode !== 'inherit') return [];
    return [nic.name, links.find(link => link.altnames.includes(altname))?.name ?? name];
  });
  const wanted = names.length > 0 ? [...new Set(['default', ...names])] : [];
  const folders = wanted.flatMap(name => TREES.map(tree => `${tree}/${name}`));
  // Only the first network namespace shows these defaults; there, as here, `lo` has them too.
  if (wanted.length > 0) folders.push('net/ipv4/neigh/lo', 'net/ipv6/neigh/lo');
  const read = await Promise.all(folders.map(folder => kernel.readSysctls(folder)));
  return Object.fromEntries(read.flatMap(Object.entries).filter(([path]) => !path.endsWith(SECRET)));
}

/** What stable addresses are made from (RFC 7217): not for plans, journals or eyes. */
const SECRET = '/stable_secret';
