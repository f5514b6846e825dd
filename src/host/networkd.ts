import type { Drivers } from '../drivers/drivers.js';
import { lookedAfter } from './looked-after.js';
import type { Link, Renewer } from './model.js';

/** Where systemd-networkd keeps the lease of an interface. */
export const leaseFile = (index: number) => `/run/systemd/netif/leases/${index}`;

/**
 * Those of the interfaces that systemd-networkd looks after, where it may be asked: with the settings by which it renews
 * a lease, where it has one, and these can be taken over.
 */
export const networkdLeases = (
  devices: readonly string[],
  links: readonly Link[],
  drivers: Drivers,
): Promise<Renewer[]> =>
  lookedAfter(devices, links, drivers, async ({ name, index }) => {
    const { files } = drivers;
    const state = (await files.read(`/run/systemd/netif/links/${index}`)) ?? '';
    const file = fileOf(state);
    if (file === null) return null;
    const renewer = {
      client: 'systemd-networkd',
      on: name,
      argv: ['networkctl', 'reload'],
      leases: null,
    } as const;
    const lease = await files.read(leaseFile(index));
    // Settings in drop-ins beside the file are not followed. Where there are none, newer releases write two quotes.
    if (lease === null || /^NETWORK_FILE_DROPINS="?[^"\n]/m.test(state)) return renewer;
    const settings = settingsFrom((await files.read(file)) ?? '', lease);
    return settings === null ? renewer : { ...renewer, leases: leaseFile(index), settings };
  });

/**
 * The file of networkd's configuration that an interface goes by, as its state file tells, be it done with it or not;
 * null where networkd lets the interface be.
 */
export const fileOf = (state: string): string | null =>
  /^ADMIN_STATE=unmanaged$/m.test(state) ? null : (/^NETWORK_FILE=(.+)$/m.exec(state)?.[1] ?? null);

/** What only the interface itself can have: others stacked upon it, or one that it belongs to. */
const TIED = /^\s*(Bridge|Bond|VRF|VLAN|MACVLAN|MACVTAP|IPVLAN|IPVTAP|VXLAN|Tunnel|Xfrm)\s*=\s*\S/m;

/**
 * The settings of a file of systemd.network(5) for another interface of the same MAC: the same client id, which networkd
 * else derives from the interface's name, so that the server gives the same address; and what is there is kept until
 * then. Null where they cannot be taken over.
 */
export function settingsFrom(text: string, lease: string): string | null {
  if (TIED.test(text)) return null;
  const sections = text.split(/^(?=\s*\[)/m).filter(section => /^\s*\[(?!Match\]|Link\])/.test(section));
  // RFC 4361: type 255, then four bytes of IAID, then the DUID.
  const iaid = /^CLIENTID=ff([0-9a-f]{8})/im.exec(lease)?.[1];
  return [
    ...sections.map(section => section.trimEnd()),
    ...(iaid === undefined ? [] : [`[DHCPv4]\nIAID=${Number.parseInt(iaid, 16)}`]),
    '[Network]\nKeepConfiguration=static\n',
  ].join('\n\n');
}
