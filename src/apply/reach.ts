import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { HostState, LabRecord } from '../host/model.js';
import type { Plan } from '../plan/model.js';

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

/** The peers that the lab names behind the uplinks that move. */
export const peersBehind = (moves: Plan['moves'], record: LabRecord | null): Peer[] =>
  moves.flatMap(({ from }) =>
    (record?.lab.bridges ?? [])
      .filter(bridge => bridge.uplink === from)
      .flatMap(bridge => bridge.peers.map(address => ({ address, dev: from }))),
  );

/** How often somebody is asked who has to answer: a first frame may be lost to address resolution. */
const ASKED_BEFORE = 3;

/**
 * Who must be reached after the uplinks of a plan have moved: the peers that the lab names, and those default gateways
 * that answer now.
 * @throws {VmnetError} `conflict` where a peer does not answer, unless `lenient`
 */
export async function whomToReach(
  { moves, record }: Plan,
  host: HostState,
  lenient: boolean,
  drivers: Drivers,
): Promise<Peer[]> {
  const gateways = gatewaysBehind(
    moves.map(move => move.from),
    host,
  );
  const named = peersBehind(moves, record);
  const silent = async () => {
    let left = named;
    for (let tries = 0; tries < ASKED_BEFORE && left.length > 0; tries++) {
      const answering = new Set(await whoAnswers(left, drivers));
      left = left.filter(peer => !answering.has(peer));
    }
    return left;
  };
  const [reached, missing] = await Promise.all([whoAnswers(gateways, drivers), silent()]);
  if (missing.length > 0 && !lenient) throw notThere(missing);
  const all = [...named.filter(peer => !missing.includes(peer)), ...reached];
  return [...new Map(all.map(peer => [`${peer.address} ${peer.dev}`, peer])).values()];
}

const notThere = (missing: readonly Peer[]) =>
  new VmnetError(
    'conflict',
    `${missing.map(({ address, dev }) => `the peer ${address} does not answer through ${dev}`).join('; ')}, so it could not be told whether the host still reaches it afterwards`,
    'It was asked by ping, and by ARP or neighbour discovery. Take it out of "peers", or see why it is silent.',
  );

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
  const deadline = performance.now() + BACK_WITHIN;
  let missing = peers.map(({ address, dev }) => ({ address, dev: deviceOf(dev) }));
  while (missing.length > 0) {
    const answering = new Set(await whoAnswers(missing, drivers));
    missing = missing.filter(peer => !answering.has(peer));
    if (missing.length > 0 && performance.now() > deadline) throw lost(missing);
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
