import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box } from './box.js';

// Where only the network plane matters, a veth in each tap's place stands in for its guest.

/** A lab of so many NICs, one a VM, each with an address of both families: at most 200. */
export const crowd = (count: number) => ({
  name: 'crowd',
  bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
  vms: Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `v${i}`,
      {
        boot: 'probe',
        nics: [{ bridge: 'br0', address: [`192.0.2.${i + 10}/24`, `fd00:db8::${i + 10}/64`] }],
      },
    ]),
  ),
});

interface Nic {
  readonly tap: string;
  readonly mac: string;
  readonly altnames: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Bring such a lab up without VMs, and put a namespace with the NIC's MAC and addresses behind each tap.
 * @returns what ends the namespaces, and with them all that is in them
 */
export async function crowdUp(box: Box, count: number): Promise<() => Promise<void>> {
  const lab = crowd(count);
  const up = await box.vmnet('provision', '--network-only', await box.lab(lab));
  if (up.json.error) throw new Error(up.json.error.message);
  const nics = await nicsOf(box, lab);
  const pids = (await box.run('sh', '-ec', NAMESPACES, 'sh', String(count))).trim().split('\n');
  const batch = join(box.folder, 'stand-ins');
  await writeFile(
    batch,
    nics
      .flatMap((nic, i) => lines(nic, pids[i] ?? ''))
      .join('\n')
      .concat('\n'),
  );
  await box.run('ip', '-batch', batch);
  const setups = nics.map(({ addresses }, i) => {
    const own = addresses.map(address => `ip address add ${address} dev e0`).join('; ');
    return `nsenter -n -t ${pids[i]} sh -ec 'echo 0 > /proc/sys/net/ipv6/conf/e0/accept_dad; ${own}; ip link set e0 up'`;
  });
  await box.run('sh', '-ec', setups.join('\n'));
  return async () => void (await box.run('kill', ...pids));
}

/** Prints the process of each namespace, once it is in there. */
const NAMESPACES = `
  own=$(readlink /proc/$$/ns/net)
  for i in $(seq "$1"); do
    unshare --net sleep 900 < /dev/null > /dev/null 2>&1 &
    while [ "$(readlink /proc/$!/ns/net)" = "$own" ]; do sleep 0.01; done
    echo $!
  done`;

async function nicsOf(box: Box, lab: ReturnType<typeof crowd>): Promise<Nic[]> {
  const status = await box.vmnet('status', lab.name);
  const links: { ifname: string; altnames?: string[] }[] = JSON.parse(await box.run('ip', '-j', 'link'));
  return Object.entries(lab.vms).map(([name, vm]) => {
    const { tap, mac } = status.json.vms.find((it: { name: string }) => it.name === name).nics[0];
    const altnames = links.find(({ ifname }) => ifname === tap)?.altnames ?? [];
    return { tap, mac, altnames, addresses: vm.nics[0]?.address ?? [] };
  });
}

const lines = ({ tap, mac, altnames }: Nic, pid: string) => [
  `link del dev ${tap}`,
  `link add name ${tap} type veth peer name e0 address ${mac} netns ${pid}`,
  ...altnames.map(altname => `link property add dev ${tap} altname ${altname}`),
  `link set dev ${tap} addrgenmode none`,
  `link set dev ${tap} master br0`,
  `link set dev ${tap} up`,
];
