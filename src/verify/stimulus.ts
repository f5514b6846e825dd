import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { Target } from './model.js';

/**
 * Makes guests speak without knowing anything of their inside: a port on each bridge whose other end lies in a
 * throw-away namespace. It asks all IPv6 nodes to answer, and then, one by one, those that were silent.
 */
export interface Stimulus {
  /** All guests of all bridges at once: one process a bridge. */
  askAll(): Promise<void>;
  /** One guest, by the addresses that the lab gives it. */
  ask(target: Target): Promise<void>;
  /** What is tried for a NIC, for the report. */
  tried(target: Target): readonly string[];
  close(): Promise<void>;
}

export async function makeStimulus(drivers: Drivers, targets: readonly Target[]): Promise<Stimulus> {
  const bridges = [...new Set(targets.map(target => target.bridge))];
  const namespace = await drivers.namespace();
  const run = (words: readonly string[]) => {
    const [file = '', ...args] = [...namespace.enter, ...words];
    return drivers.run(file, args, { allowFailure: true, timeoutMs: 10_000 });
  };
  const inside = (bridge: string) => `probe${bridges.indexOf(bridge)}`;
  const tag = randomBytes(4).toString('hex');
  try {
    await addPorts(drivers, namespace, bridges, tag);
  } catch (error) {
    await namespace.close();
    throw error;
  }
  return {
    async askAll() {
      await Promise.all(
        bridges.map(bridge =>
          run(['ping', '-6', '-q', '-c', '3', '-i', '0.2', '-W', '1', `ff02::1%${inside(bridge)}`]),
        ),
      );
    },
    async ask(target) {
      const port = inside(target.bridge);
      const four = target.nic.addresses.filter(cidr => !cidr.includes(':')).map(withoutPrefix);
      const six = [
        linkLocal(target.nic.mac),
        ...target.nic.addresses.filter(cidr => cidr.includes(':')).map(withoutPrefix),
      ];
      await Promise.all([
        // An ARP probe comes from 0.0.0.0 (RFC 5227), so no address of the LAN has to be borrowed.
        ...four.map(address => run(['busybox', 'arping', '-D', '-c', '2', '-w', '2', '-I', port, address])),
        ...six.map(address =>
          run(['ping', '-6', '-q', '-c', '2', '-i', '0.2', '-W', '1', '-I', port, address]),
        ),
      ]);
    },
    tried: target => [
      'IPv6 echo request to all nodes',
      ...target.nic.addresses.map(cidr =>
        cidr.includes(':')
          ? `IPv6 echo request to ${withoutPrefix(cidr)}`
          : `ARP probe for ${withoutPrefix(cidr)}`,
      ),
      `IPv6 echo request to ${linkLocal(target.nic.mac)}`,
    ],
    async close() {
      // The kernel would delete the ports with the namespace, but some time later.
      await drivers.ip.batch(
        bridges.map((_, i) => `link del dev ${portName(tag, i)}`),
        { force: true },
      );
      await namespace.close();
    },
  };
}

/** The bridge's end of the i-th cable; at most 15 bytes. */
const portName = (tag: string, i: number) => `vmp${tag}${i}`;

const withoutPrefix = (cidr: string) => cidr.split('/')[0] ?? cidr;

/** Link-local address that a guest derives from its MAC by default (RFC 4291, modified EUI-64). */
export function linkLocal(mac: string): string {
  const bytes = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
  return `fe80::${hex(a ^ 2, b)}:${hex(c, 0xff)}:${hex(0xfe, d)}:${hex(e, f)}`;
}

/**
 * The ports do not learn: so the bridge floods a guest's answers to every port, the uplink among them, and they
 * can be counted there although no peer on the LAN takes part.
 */
async function addPorts(
  drivers: Drivers,
  namespace: { readonly pid: number; readonly enter: readonly string[] },
  bridges: readonly string[],
  tag: string,
): Promise<void> {
  await drivers.ip.batch(
    bridges.flatMap((bridge, i) => {
      const port = portName(tag, i);
      return [
        `link add name ${port} type veth peer name probe${i} netns ${namespace.pid}`,
        `link set dev ${port} addrgenmode none`,
        `link set dev ${port} master ${bridge}`,
        `link set dev ${port} type bridge_slave learning off`,
        `link set dev ${port} up`,
      ];
    }),
  );
  const [file = '', ...args] = [...namespace.enter, 'ip', '-batch', '-'];
  const lines = bridges.flatMap((_, i) => [
    `link set dev probe${i} addrgenmode none`,
    `link set dev probe${i} up`,
    `address add fe80::${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}/64 dev probe${i} nodad`,
  ]);
  await drivers.run(file, args, { input: `${lines.join('\n')}\n` });
  // The router solicitation of a fresh address is on its way; the first echo request should not race it.
  await sleep(20);
}
