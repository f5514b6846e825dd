import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { bare } from '../lab/cidr.js';
import { borrowCandidates, linkLocal, subnetsOf } from './addresses.js';
import type { Target } from './targets.js';

/**
 * Makes guests speak without an agent in them: a port on each bridge whose other end lies in a throw-away
 * namespace. It asks all IPv6 nodes to answer, pings the IPv4 addresses that the lab names, and then asks one
 * by one those that were silent.
 */
export interface Stimulus {
  /** All guests of all bridges at once: two processes a bridge. */
  askAll(): Promise<void>;
  /** One guest, by everything that is known of it. */
  ask(target: Target): Promise<void>;
  /** What is tried for a NIC, for the report. */
  tried(target: Target): readonly string[];
  close(): Promise<void>;
}

/** @param taken addresses that must not be borrowed, without prefix */
export async function makeStimulus(
  drivers: Drivers,
  targets: readonly Target[],
  taken: ReadonlySet<string>,
): Promise<Stimulus> {
  const namespace = await drivers.namespace();
  const ports = portsOf(targets);
  const run: RunInside = (words, input) => {
    const [file = '', ...args] = [...namespace.enter, ...words];
    return drivers.run(file, args, { allowFailure: true, timeoutMs: 10_000, ...(input ? { input } : {}) });
  };
  const borrowed = new Map<string, string>();
  try {
    await addPorts(drivers, namespace.pid, ports, run);
    for (const [subnet, address] of await borrow(ports, taken, run)) borrowed.set(subnet, address);
  } catch (error) {
    await namespace.close();
    throw error;
  }
  const inside = (target: Target) => ports.find(port => port.bridge === target.bridge)?.inside ?? '';
  return {
    async askAll() {
      await Promise.all(ports.flatMap(port => [pingAllSix(port, run), pingAllFour(port, run)]));
    },
    async ask(target) {
      const { four, six } = addressesOf(target);
      await Promise.all([
        // An ARP probe comes from 0.0.0.0 (RFC 5227), so it needs no address of the LAN.
        ...four.map(address =>
          run(['busybox', 'arping', '-D', '-c', '2', '-w', '2', '-I', inside(target), address]),
        ),
        ...six.map(address =>
          run(['ping', '-6', '-q', '-c', '2', '-i', '0.2', '-W', '1', '-I', inside(target), address]),
        ),
      ]);
    },
    tried: target => describe(target, borrowed),
    async close() {
      // The kernel would delete the ports with the namespace, but some time later.
      await drivers.ip.batch(
        ports.map(port => `link del dev ${port.outside}`),
        { force: true },
      );
      await namespace.close();
    },
  };
}

type RunInside = (words: readonly string[], input?: string) => Promise<{ readonly exitCode: number }>;

/** A cable from a bridge into the namespace. */
interface Port {
  readonly bridge: string;
  /** Name of the bridge's end; at most 15 bytes. */
  readonly outside: string;
  readonly inside: string;
  readonly targets: readonly Target[];
}

function portsOf(targets: readonly Target[]): Port[] {
  const tag = randomBytes(4).toString('hex');
  return [...new Set(targets.map(target => target.bridge))].map((bridge, i) => ({
    bridge,
    outside: `vmp${tag}${i}`,
    inside: `probe${i}`,
    targets: targets.filter(target => target.bridge === bridge),
  }));
}

/**
 * The ports do not learn: so the bridge floods a guest's answers to every port, the uplink among them, and they
 * can be counted there although no peer on the LAN takes part.
 */
async function addPorts(
  drivers: Drivers,
  pid: number,
  ports: readonly Port[],
  run: RunInside,
): Promise<void> {
  await drivers.ip.batch(
    ports.flatMap(({ bridge, outside, inside }) => [
      `link add name ${outside} type veth peer name ${inside} netns ${pid}`,
      `link set dev ${outside} addrgenmode none`,
      `link set dev ${outside} master ${bridge}`,
      `link set dev ${outside} type bridge_slave learning off`,
      `link set dev ${outside} up`,
    ]),
  );
  const word = () => randomBytes(2).toString('hex');
  const lines = ports.flatMap(({ inside }) => [
    `link set dev ${inside} addrgenmode none`,
    `link set dev ${inside} up`,
    `address add fe80::${word()}:${word()}/64 dev ${inside} nodad`,
  ]);
  await run(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  // The carrier takes a moment to be seen on both ends.
  await sleep(20);
}

/** IPv4 guests answer a pinger of their own subnet: borrow an address in each that nobody answers for. */
async function borrow(
  ports: readonly Port[],
  taken: ReadonlySet<string>,
  run: RunInside,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const search = ports.flatMap(port =>
    subnetsOf(port.targets).map(async subnet => {
      for (const address of borrowCandidates(subnet, taken)) {
        // arping -D ends with 1 where somebody answers; silence runs into the time limit.
        const { exitCode } = await run([
          'timeout',
          '0.4',
          'busybox',
          'arping',
          '-D',
          '-c',
          '1',
          '-w',
          '1',
          '-I',
          port.inside,
          address,
        ]);
        if (exitCode === 1) continue;
        await run(['ip', 'address', 'add', `${address}/${subnet.prefix}`, 'dev', port.inside]);
        found.set(subnet.text, address);
        return;
      }
    }),
  );
  await Promise.all(search);
  return found;
}

const pingAllSix = (port: Port, run: RunInside) =>
  run(['ping', '-6', '-q', '-c', '3', '-i', '0.2', '-W', '1', `ff02::1%${port.inside}`]);

/** One shell for all; the addresses are the lab's own, which were validated. */
async function pingAllFour(port: Port, run: RunInside): Promise<void> {
  const addresses = port.targets.flatMap(target => addressesOf(target).four);
  if (addresses.length === 0) return;
  const script = `for a in ${addresses.join(' ')}; do ping -n -q -c 2 -i 0.2 -W 1 $a & done; wait\n`;
  await run(['sh'], script);
}

function addressesOf({ nic }: Target): { four: string[]; six: string[] } {
  const all = nic.addresses.map(bare);
  return {
    four: all.filter(address => !address.includes(':')),
    six: [linkLocal(nic.mac), ...all.filter(address => address.includes(':'))],
  };
}

function describe(target: Target, borrowed: ReadonlyMap<string, string>): string[] {
  const { four, six } = addressesOf(target);
  const [subnet] = subnetsOf([target]);
  const from = subnet === undefined ? undefined : borrowed.get(subnet.text);
  return [
    'IPv6 echo request to all nodes',
    ...four.flatMap(address => [
      ...(from ? [`echo request to ${address} from ${from}, borrowed`] : []),
      `ARP probe for ${address}`,
    ]),
    ...six.map(address => `IPv6 echo request to ${address}`),
  ];
}
