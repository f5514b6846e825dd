import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState } from '../host/model.js';

/** Somebody whom the host reaches through an uplink, and must still reach when that is a port of a bridge. */
export interface Peer {
  readonly address: string;
  /** Interface that leads there now. */
  readonly dev: string;
}

/** The default gateways behind these interfaces. */
export function gatewaysBehind(devices: readonly string[], host: HostState): Peer[] {
  const found = host.routes.flatMap(route =>
    route.dst === 'default' && route.gateway && route.dev && devices.includes(route.dev)
      ? [{ address: route.gateway, dev: route.dev }]
      : [],
  );
  return [...new Map(found.map(peer => [`${peer.address} ${peer.dev}`, peer])).values()];
}

/** Those who answer. */
export async function whoAnswers(peers: readonly Peer[], drivers: Drivers): Promise<Peer[]> {
  const answers = await Promise.all(peers.map(peer => answersTo(peer, drivers)));
  return peers.filter((_, i) => answers[i]);
}

/** Milliseconds in which everybody who answered before has to answer again. */
const BACK_WITHIN = 6_000;

/**
 * Wait until everybody who answered before answers again, now through `deviceOf` their former interface.
 * @throws {VmnetError} `timeout` naming who is lost
 */
export async function stillReached(
  peers: readonly Peer[],
  deviceOf: (dev: string) => string,
  drivers: Drivers,
): Promise<void> {
  const deadline = Date.now() + BACK_WITHIN;
  let missing = peers.map(({ address, dev }) => ({ address, dev: deviceOf(dev) }));
  while (missing.length > 0) {
    const answering = new Set(await whoAnswers(missing, drivers));
    missing = missing.filter(peer => !answering.has(peer));
    if (missing.length > 0 && Date.now() > deadline) throw lost(missing);
    if (missing.length > 0) await sleep(100);
  }
}

/** By ping; or, since many a gateway answers none, by ARP or neighbour discovery. */
async function answersTo({ address, dev }: Peer, drivers: Drivers): Promise<boolean> {
  const succeeds = async (...words: [string, ...string[]]) =>
    (await drivers.run(words[0], words.slice(1), { allowFailure: true })).exitCode === 0;
  if (address.includes(':')) {
    if (await succeeds('ping', '-6', '-q', '-c', '1', '-W', '1', '-I', dev, address)) return true;
    const known = ['-6', 'neigh', 'show', 'to', address, 'dev', dev, 'nud', 'reachable'];
    return (await drivers.run('ip', known, { allowFailure: true })).stdout.trim() !== '';
  }
  const answers = await Promise.all([
    succeeds('ping', '-q', '-c', '1', '-W', '1', '-I', dev, address),
    succeeds('busybox', 'arping', '-q', '-f', '-c', '1', '-w', '1', '-I', dev, address),
  ]);
  return answers.includes(true);
}

const lost = (missing: readonly Peer[]) =>
  new VmnetError(
    'timeout',
    `after the move the host no longer reaches ${missing.map(({ address, dev }) => `${address} through ${dev}`).join(', ')}, which it reached before`,
    'Does the switch port allow several MACs (port security, BPDU guard), and do firewall rules name the uplink, which the bridge replaces?',
  );
