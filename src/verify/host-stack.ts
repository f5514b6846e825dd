import type { Drivers } from '../drivers/drivers.js';
import { objects, string } from '../host/json.js';
import type { HostStack } from './model.js';

/** What the host's IP stack holds, beside what the netfilter hooks count. */
interface Stack {
  readonly neighbours: readonly { readonly address: string; readonly text: string }[];
  /** Lines of /proc/net/nf_conntrack; null where nothing is tracked. */
  readonly conntrack: readonly string[] | null;
  readonly forwarded: number;
}

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
    conntrack: conntrack === null ? null : conntrack.split('\n'),
    forwarded: forwardedIn(four ?? '', six ?? ''),
  };
}

const neighboursIn = (stdout: string) =>
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
      after.conntrack?.filter(line => addresses.some(address => names(line, address))).length ?? null,
    forwarded: after.forwarded - before.forwarded,
  }),
});

const names = (line: string, address: string) =>
  line.includes(`src=${address} `) || line.includes(`dst=${address} `);
