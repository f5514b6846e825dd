import type { Drivers } from '../drivers/drivers.js';
import type { Link, Renewer } from './model.js';

/** Where systemd-networkd keeps the lease of an interface. */
const leaseFile = (index: number) => `/run/systemd/netif/leases/${index}`;

/**
 * Those of the interfaces that systemd-networkd looks after, where it may be asked: by a lease, with the settings by which
 * it renews that; or, without settings, by addresses of its configuration, or by a lease that cannot be taken over.
 */
export async function networkdLeases(
  devices: readonly string[],
  links: readonly Link[],
  { files, kernel }: Drivers,
): Promise<Renewer[]> {
  const wanted = links.filter(({ name }) => devices.includes(name));
  if (wanted.length === 0 || !(await kernel.hasSystemd())) return [];
  const found = await Promise.all(
    wanted.map(async ({ name, index }): Promise<Renewer | null> => {
      const state = await files.read(`/run/systemd/netif/links/${index}`);
      const lease = await files.read(leaseFile(index));
      const renewer = { client: 'systemd-networkd', on: name, argv: ['networkctl', 'reload'] } as const;
      const settings = lease === null ? null : await settingsOf(state ?? '', lease, files);
      if (settings !== null) return { ...renewer, leases: leaseFile(index), settings };
      return configures(state ?? '') ? { ...renewer, leases: null } : null;
    }),
  );
  return found.filter(renewer => renewer !== null);
}

/** Settings by which a lease of an interface with this state file is renewed; null where they cannot be taken over. */
async function settingsOf(state: string, lease: string, files: Drivers['files']): Promise<string | null> {
  const file = /^NETWORK_FILE=(.+)$/m.exec(state)?.[1];
  // Settings in drop-ins beside the file are not followed. Where there are none, newer releases write two quotes.
  if (file === undefined || /^NETWORK_FILE_DROPINS="?[^"\n]/m.test(state)) return null;
  return settingsFrom((await files.read(file)) ?? '', lease);
}

/** Does a state file of an interface say that networkd is done with it, by a file of its configuration? */
export const configures = (state: string): boolean =>
  /^ADMIN_STATE=configured$/m.test(state) && /^NETWORK_FILE=./m.test(state);

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
