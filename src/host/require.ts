import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';

/** What changing a host needs, asked before anything else. Throws `permission` or `missing-tool`. */
export async function requireHost(drivers: Drivers, verb: string): Promise<void> {
  if (!(await drivers.kernel.mayAdminister())) {
    const root = process.getuid?.() === 0;
    throw new VmnetError(
      'permission',
      root
        ? `vmnet ${verb} changes network links, and this root has no CAP_NET_ADMIN: it is the root of a container`
        : `vmnet ${verb} changes network links, which needs root`,
      root
        ? 'Start the container with CAP_NET_ADMIN (docker run --cap-add NET_ADMIN), or run vmnet on the host.'
        : `sudo vmnet ${verb} …`,
    );
  }
  if (!(await drivers.kernel.exists('/dev/net/tun'))) {
    throw new VmnetError(
      'missing-tool',
      'there is no /dev/net/tun, from which taps are made',
      'modprobe tun; in a container, pass the device in: --device /dev/net/tun',
    );
  }
}
