import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { Holder } from './holder.js';
import type { SandboxNic } from './network.js';

/** The two sides of a sandbox. */
export interface Sides {
  readonly host: Holder;
  readonly lan: Holder;
}

/** A veth for each NIC: one end on the host, the other on the LAN. Returns when both ends are in use. */
export async function layCables(
  { host, lan }: Sides,
  nics: readonly SandboxNic[],
  drivers: Drivers,
): Promise<void> {
  if (nics.length === 0) return;
  const [onHost, onLan] = [side(host, drivers), side(lan, drivers)];
  const [hostEnds, lanEnds] = [nics.map(nic => nic.name), nics.map((_, i) => `lan${i}`)];
  await onHost.batch(
    hostEnds.map((name, i) => `link add name ${name} type veth peer name lan${i} netns ${lan.pid}`),
  );
  await Promise.all([onHost.detectDuplicates(hostEnds, 0), onLan.detectDuplicates(lanEnds, 0)]);
  await onLan.batch(nics.flatMap((nic, i) => [`link set dev lan${i} up`, ...nic.lan.map(add(`lan${i}`))]));
  await onHost.batch(nics.flatMap(nic => [`link set dev ${nic.name} up`, ...nic.host.map(add(nic.name))]));
  const routes = nics.flatMap(({ name, gateways }, i) =>
    gateways.map(via => `route add default via ${via} dev ${name}${i > 0 ? ` metric ${1024 + i}` : ''}`),
  );
  await onHost.batch(routes.filter(line => !isSix(line)));
  await onHost.batch(routes.filter(isSix), ['-6']);
  await onHost.settled(hostEnds);
  await onHost.detectDuplicates(hostEnds, 1);
}

const isSix = (text: string) => text.includes(':');

const add = (dev: string) => (cidr: string) => `address add ${cidr} dev ${dev}${isSix(cidr) ? ' nodad' : ''}`;

function side(holder: Holder, drivers: Drivers) {
  const inside = (words: readonly string[], input = '') =>
    drivers.run('nsenter', [`--net=/proc/${holder.pid}/ns/net`, '--', ...words], { input });
  return {
    async batch(lines: readonly string[], flags: readonly string[] = []): Promise<void> {
      if (lines.length > 0) await inside(['ip', ...flags, '-batch', '-'], `${lines.join('\n')}\n`);
    },
    /** Without it addresses count at once, and nobody need wait for the second that it takes. */
    async detectDuplicates(names: readonly string[], value: 0 | 1): Promise<void> {
      const lines = names.map(name => `echo ${value} > /proc/sys/net/ipv6/conf/${name}/accept_dad\n`);
      await inside(['sh'], lines.join(''));
    },
    /** Wait until each has its carrier and its link-local address: a snapshot must not catch them half-way. */
    async settled(names: readonly string[]): Promise<void> {
      for (let tries = 0; tries < SETTLE_TRIES; tries++) {
        const links = JSON.parse((await inside(['ip', '-j', 'address', 'show', 'up'])).stdout) as Shown[];
        const ready = links.filter(link => link.operstate === 'UP' && link.addr_info?.some(isLinkLocal));
        if (names.every(name => ready.some(link => link.ifname === name))) return;
        await sleep(20);
      }
    },
  };
}

/** Two seconds; a kernel without IPv6 never gets there. */
const SETTLE_TRIES = 100;

interface Shown {
  readonly ifname?: string;
  readonly operstate?: string;
  readonly addr_info?: readonly { readonly family: string; readonly scope: string }[];
}

const isLinkLocal = (address: { readonly family: string; readonly scope: string }) =>
  address.family === 'inet6' && address.scope === 'link';
