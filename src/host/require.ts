import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';

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

/** What serves DHCP and DNS, where a bridge of the lab asks for it. Throws `missing-tool`. */
export async function requireServices(lab: Lab, drivers: Drivers): Promise<void> {
  const bridges = lab.bridges.filter(({ dhcp }) => dhcp !== null).map(({ name }) => name);
  if (bridges.length === 0) return;
  await drivers.run('dnsmasq', ['--version'], { allowFailure: true }).catch((error: Error) => {
    if (!(error instanceof VmnetError) || error.code !== 'missing-tool') throw error;
    throw new VmnetError(
      'missing-tool',
      `the program dnsmasq is not installed, which serves DHCP and DNS on ${bridges.join(', ')}`,
      'Install it: apt-get install dnsmasq-base (the package dnsmasq also starts a server of its own), or write "dhcp": false.',
      error,
    );
  });
}
