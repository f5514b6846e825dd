import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import { object, objects } from './json.js';

/**
 * Of these interfaces, those that merge received packets in hardware (LRO): the kernel turns that off on a bridge's
 * port, and not on again (Linux: br_add_if, dev_disable_lro). One `ethtool` an interface; without it, nobody knows.
 */
export async function mergingReceivers(names: readonly string[], { run }: Drivers): Promise<string[]> {
  const found = await Promise.all(
    names.map(async name => {
      const { stdout } = await run('ethtool', ['--json', '-k', name], { allowFailure: true });
      return mergesReceived(stdout) ? [name] : [];
    }),
  ).catch(() => []);
  return found.flat();
}

/** What `ethtool --json -k NAME` prints; an old one prints no JSON. */
export function mergesReceived(stdout: string): boolean {
  try {
    const [features] = objects(JSON.parse(stdout) as IpJson);
    return object(features?.['large-receive-offload']).active === true;
  } catch {
    return false;
  }
}
