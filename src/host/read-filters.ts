import type { Drivers } from '../drivers/drivers.js';
import { savedEbtables } from './ebtables.js';
import { type Filter, nftFilters, type TcFilter, tcFilters } from './filters.js';
import { legacyFilters, saved } from './legacy-filters.js';
import { printed } from './printed.js';

/** Every chain that can drop, of nftables and of the legacy tables; programs that are not there have none. */
export async function readFilters(drivers: Drivers): Promise<Filter[]> {
  const { nft, files } = drivers;
  const [ruleset, four, six, arpTables, bridge] = await Promise.all([
    nft.ruleset().catch(() => []),
    printed(drivers, 'iptables-legacy-save'),
    printed(drivers, 'ip6tables-legacy-save'),
    files.read('/proc/net/arp_tables_names'),
    savedEbtables(drivers),
  ]);
  // It makes the table by looking for it, so only one that is there is looked at.
  const arp = arpTables?.includes('filter') ? await printed(drivers, 'arptables-legacy', '-L', '-n') : '';
  return [
    ...nftFilters(ruleset),
    ...legacyFilters('iptables', 'ip', four),
    ...legacyFilters('ip6tables', 'ip6', six),
    ...legacyFilters('arptables', 'arp', saved('filter', arp)),
    ...legacyFilters('ebtables', 'bridge', bridge),
  ];
}

/** Classifiers on these devices. */
export async function readTcFilters(devices: readonly string[], { tc }: Drivers): Promise<TcFilter[]> {
  const places = devices.flatMap(dev => (['ingress', 'egress'] as const).map(at => ({ dev, at })));
  const listed = await tc.filters(places);
  return places.flatMap(({ dev, at }, i) => tcFilters(dev, at, listed[i] ?? []));
}
