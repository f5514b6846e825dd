import type { Drivers } from '../drivers/drivers.js';
import { objects, string } from '../host/json.js';
import { parseIp } from '../lab/cidr.js';
import type { HostStack } from './model.js';

/** What the host's IP stack holds, beside what the netfilter hooks count. */
export interface Stack {
  readonly neighbours: readonly { readonly address: string; readonly text: string }[];
  /** Connections by the addresses in them; null where nothing is tracked. */
  readonly conntrack: Connections | null;
  readonly forwarded: number;
}

/** Numbers of the lines in which an address stands. */
export type Connections = ReadonlyMap<string, readonly number[]>;

export interface StackBetween {
  /** What it holds of these addresses. */
  of(addresses: readonly string[]): Pick<HostStack, 'neighbours' | 'conntrack' | 'forwarded'>;
}

export async function readStack({ run, files }: Drivers): Promise<Stack> {
  const [neighbours, conntrack, four, six] = await Promise.all([
    run('ip', ['-j', 'neigh', 'show'], { allowFailure: true }),
    files.read('/proc/net/nf_conntrack'),
    files.read('/proc/net/snmp'),
    files.read('/proc/net/snmp6'),
  ]);
  return {
    neighbours: neighboursIn(neighbours.stdout),
    conntrack: conntrack === null ? null : connectionsIn(conntrack),
    forwarded: forwardedIn(four ?? '', six ?? ''),
  };
}

/** Of /proc/net/nf_conntrack. */
export function connectionsIn(text: string): Connections {
  const lines = new Map<string, number[]>();
  for (const [at, line] of text.split('\n').entries()) {
    for (const address of new Set(line.match(/(?<= (?:src|dst)=)\S+/g))) {
      const there = lines.get(address);
      if (there) there.push(at);
      else lines.set(address, [at]);
    }
  }
  return lines;
}

/** There, IPv6 addresses are written out in full. */
const inFull = (address: string) =>
  address.includes(':')
    ? (parseIp(address)?.value ?? 0n)
        .toString(16)
        .padStart(32, '0')
        .replace(/.{4}(?!$)/g, '$&:')
    : address;

export const neighboursIn = (stdout: string) =>
  objects(JSON.parse(stdout.trim() || '[]')).flatMap(entry => {
    const [address, mac] = [string(entry.dst), string(entry.lladdr)];
    return address && mac ? [{ address, text: `${address} is ${mac} on ${string(entry.dev)}` }] : [];
  });

/** Column `ForwDatagrams` of snmp's line `Ip:`, and `Ip6OutForwDatagrams` of snmp6. */
export function forwardedIn(snmp: string, snmp6: string): number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter(line => line.startsWith('Ip:'))
    .map(line => line.split(' '));
  const four = Number(values[names.indexOf('ForwDatagrams')] ?? 0);
  return four + Number(/^Ip6OutForwDatagrams\s+(\d+)/m.exec(snmp6)?.[1] ?? 0);
}

export const stackBetween = (before: Stack, after: Stack): StackBetween => ({
  of: addresses => ({
    neighbours: after.neighbours.filter(({ address }) => addresses.includes(address)).map(({ text }) => text),
    conntrack:
      after.conntrack &&
      new Set(addresses.flatMap(address => after.conntrack?.get(inFull(address)) ?? [])).size,
    forwarded: after.forwarded - before.forwarded,
  }),
});
