import { setTimeout as sleep } from 'node:timers/promises';
import { Box } from './box.js';

/** The LAN's DHCP server gives addresses from here, for two minutes: dnsmasq knows no shorter lease. */
const RANGE = '192.0.2.100,192.0.2.150,255.255.255.0,120';

/** A host whose only NIC has no address yet, and a LAN with a DHCP server. */
export async function dhcpBox(options: readonly string[] = []): Promise<Box> {
  const box = await Box.up([{ name: 'eth0', host: [], lan: ['192.0.2.1/24'], gateways: [] }]);
  // What clients write is the host's own; the name of a tmpfs is in its mounts, where it is looked for.
  for (const folder of ['/var/lib/dhcp', '/var/lib/dhcpcd'])
    await box.run('sh', '-c', `[ ! -d ${folder} ] || mount -t tmpfs dhcp ${folder}`);
  await box.run('sh', '-c', ': > /run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf');
  await box.lan('mount', '-t', 'tmpfs', 'dhcp', '/var/lib/misc');
  await startServer(box, options);
  return box;
}

export async function startServer(box: Box, options: readonly string[] = []): Promise<void> {
  await box.lan(
    ...['dnsmasq', '--conf-file=/dev/null', '--port=0', '--interface=lan0', '--bind-interfaces', '--no-ping'],
    ...[`--dhcp-range=${RANGE}`, '--dhcp-authoritative', '--dhcp-option=option:dns-server'],
    ...['--dhcp-leasefile=/var/lib/misc/leases', '--pid-file=/var/lib/misc/pid', '--log-dhcp'],
    ...['--log-facility=/var/lib/misc/log', ...options],
  );
}

/** How often the server has said yes, to whomever. */
export async function acknowledged(box: Box): Promise<number> {
  return Number((await box.attempt('lan', 'grep', '-c', 'DHCPACK', '/var/lib/misc/log')).stdout);
}

/** Wait until the server has said yes more often than that. */
export async function acknowledgedAgain(box: Box, than: number, seconds: number): Promise<boolean> {
  for (let i = 0; i < seconds * 5; i++) {
    if ((await acknowledged(box)) > than) return true;
    await sleep(200);
  }
  return false;
}

export interface Shown {
  readonly local: string;
  readonly valid_life_time: number;
}

/** IPv4 addresses of an interface. */
export async function addressesOf(box: Box, dev: string): Promise<Shown[]> {
  const [link] = JSON.parse(await box.run('ip', '-j', '-4', 'address', 'show', 'dev', dev)) as {
    addr_info?: Shown[];
  }[];
  return link?.addr_info ?? [];
}

/** The clients that people use, as they start them. */
export const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  dhclient: ['dhclient', 'eth0'],
  'dhclient, as ifupdown starts it': [
    ...['dhclient', '-4', '-v', '-i', '-pf', '/run/dhclient.eth0.pid'],
    ...[
      '-lf',
      '/var/lib/dhcp/dhclient.eth0.leases',
      '-I',
      '-df',
      '/var/lib/dhcp/dhclient6.eth0.leases',
      'eth0',
    ],
  ],
  udhcpc: ['udhcpc', '-i', 'eth0', '-b', '-R', '-p', '/run/udhcpc.eth0.pid'],
  'udhcpc in the foreground': [
    'sh',
    '-c',
    'setsid busybox udhcpc -fi eth0 > /dev/null 2>&1 < /dev/null & sleep 1',
  ],
  dhcpcd: ['dhcpcd', '-4', 'eth0'],
};

/** Commands of clients that run on the host; the part of dhcpcd that put it into the background is none, and soon gone. */
export async function clientsOf(box: Box): Promise<string[]> {
  const { stdout } = await box.attempt('host', 'pgrep', '-a', 'dhclient|dhcpcd|udhcpc|busybox');
  return stdout
    .split('\n')
    .filter(line => line !== '' && !line.endsWith('[launcher]'))
    .map(line => line.replace(/^\d+ /, ''));
}

/** Pings from the LAN until `stop` is called; says how many were lost. */
export function pinging(box: Box, address: string): { stop(): Promise<{ sent: number; lost: number }> } {
  const ended = box.attempt('lan', 'sh', '-c', `exec ping -q -i 0.02 -W 1 ${address} 2>&1`);
  return {
    async stop() {
      await box.attempt('lan', 'sh', '-c', 'kill -INT $(pgrep -x ping)');
      const [, sent, received] = /(\d+) packets transmitted, (\d+)/.exec((await ended).stdout) ?? [];
      return { sent: Number(sent), lost: Number(sent) - Number(received) };
    },
  };
}
