import type { Drivers } from '../drivers/drivers.js';
import { parseLeases } from '../host/leases.js';
import { serviceFiles } from '../host/services.js';
import type { Lab } from '../lab/model.js';

/** An address and whose it is. */
export interface Held {
  readonly mac: string;
  readonly address: string;
}

/** Where libvirt's dnsmasq keeps the leases of a network, by its bridge. */
const libvirtLeases = (bridge: string) => `/var/lib/libvirt/dnsmasq/${bridge}.status`;

/** Leases of the lab's own DHCP servers, and of those of libvirt's networks whose bridges it uses; expired ones are none. */
export async function readLeases(lab: Lab, { files, stateDir }: Drivers, now: Date): Promise<Held[]> {
  const texts = await Promise.all(
    lab.bridges.map(async ({ name, dhcp, permanent }) => {
      if (dhcp !== null)
        return leasesAt(await files.read(serviceFiles(stateDir, lab.name, name, '').leases), now);
      return permanent ? libvirtLeasesAt(await files.read(libvirtLeases(name)), now) : [];
    }),
  );
  return texts.flat();
}

const leasesAt = (text: string | null, now: Date): Held[] =>
  parseLeases(text ?? '').filter(({ expires }) => expires === null || Date.parse(expires) > now.getTime());

/** A JSON list; of an entry the keys `mac-address`, `ip-address` and, in seconds, `expiry-time`. */
export function libvirtLeasesAt(text: string | null, now: Date): Held[] {
  return listed(text ?? '[]').flatMap(entry => {
    const { 'mac-address': mac, 'ip-address': address, 'expiry-time': end } = entry ?? {};
    const over = typeof end === 'number' && end > 0 && end * 1000 <= now.getTime();
    return typeof mac === 'string' && typeof address === 'string' && !over
      ? [{ mac: mac.toLowerCase(), address }]
      : [];
  });
}

/** Empty where libvirt is just writing it. */
function listed(text: string): readonly (Readonly<Record<string, unknown>> | null)[] {
  try {
    const value: unknown = JSON.parse(text || '[]');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
