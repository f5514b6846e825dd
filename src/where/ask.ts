import { setTimeout as sleep } from 'node:timers/promises';
import type { Door } from '../drivers/doors.js';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { formatIp, parseCidr } from '../lab/cidr.js';
import { linkLocal } from '../verify/addresses.js';
import { ALL_NODES, advertisement, arpProbe, echoRequest, solicitation } from '../verify/frames.js';
import { claims, type Frame, isUnicast, parseFrame } from '../verify/packets.js';
import { randomLinkLocal } from '../verify/station.js';
import type { FoundAddress } from './model.js';

/** A guest that is asked at its tap. */
export interface Asked {
  readonly mac: string;
  /** Index of its tap. */
  readonly tap: number;
  /** Who asks: the bridge's own MAC, so that answers end there and are not flooded. */
  readonly from: string;
  /** IPv4 CIDRs that its address may be in, the likeliest first. */
  readonly subnets: readonly string[];
}

/** Milliseconds that a guest has for its answer, and how often we look. */
const PATIENCE_MS = 700;
const LOOK_MS = 10;

/** Questions at once to one guest, and milliseconds until the next ones: its tap has room for 1000. */
const BURST = 32;
const SPACING_MS = 2;

/** Addresses tried of one guest, and of all: a /22, and what is written in a quarter of a second. */
const MOST_OF_A_GUEST = 1022;
const MOST_OF_ALL = 40_000;

/**
 * Ask guests whose address nobody knows, each at its own tap, so that neither bridge nor LAN hears of it: by ARP for every
 * address of the subnets (with the sender 0.0.0.0, RFC 5227, so that nobody's tables change), by neighbour discovery for
 * the link-local address that its MAC gives, and by an echo request to all nodes. Meanwhile whatever it says is heard.
 * Empty where we may not.
 */
export async function askGuests(
  asked: readonly Asked[],
  { doors }: Drivers,
): Promise<ReadonlyMap<string, readonly FoundAddress[]>> {
  if (asked.length === 0) return new Map();
  const opened = await doors.open(asked.map(({ tap }) => tap)).catch(notPermitted);
  if (opened === null) return new Map();
  const talks = asked.map((one, i) => new Talk(one, opened.doors[i] as Door, asked.length));
  try {
    for (let wait = true; wait; ) {
      wait = false;
      for (const talk of talks) wait = talk.sendSome() || wait;
      for (const talk of talks) talk.listen();
      if (wait) await sleep(SPACING_MS);
    }
    const deadline = performance.now() + PATIENCE_MS;
    while (talks.some(talk => !talk.isDone()) && performance.now() < deadline) {
      await sleep(LOOK_MS);
      for (const talk of talks) talk.listen();
    }
  } finally {
    opened.close();
  }
  return new Map(talks.map(talk => [talk.mac, talk.found()]));
}

function notPermitted(error: unknown): null {
  if (error instanceof VmnetError && error.code === 'permission') return null;
  throw error;
}

/** With one guest. */
class Talk {
  readonly mac: string;
  readonly #door: Door;
  readonly #me: { readonly mac: string; readonly ip: string };
  readonly #targets: readonly string[];
  #next = 0;
  readonly #found = new Map<string, FoundAddress>();

  constructor({ mac, from, subnets }: Asked, door: Door, guests: number) {
    this.mac = mac;
    this.#door = door;
    this.#me = { mac: from, ip: randomLinkLocal() };
    this.#targets = hostsOf(subnets, Math.min(MOST_OF_A_GUEST, Math.floor(MOST_OF_ALL / guests)));
  }

  /** The next few questions; false where there are no more. */
  sendSome(): boolean {
    const [me, to] = [this.#me, this.mac];
    if (this.#next === 0) {
      this.#door.send(solicitation(me, linkLocal(to), to));
      this.#door.send(echoRequest(me, ALL_NODES, { id: process.pid & 0xffff, sequence: 1, hops: 1 }));
    }
    const some = this.#targets.slice(this.#next, this.#next + BURST);
    for (const target of some) this.#door.send(arpProbe(me.mac, target, to));
    this.#next += BURST;
    return this.#next < this.#targets.length;
  }

  listen(): void {
    for (const bytes of this.#door.heard()) {
      const frame = parseFrame(bytes);
      if (frame?.source === this.mac) this.#hear(frame);
    }
  }

  #hear(frame: Frame): void {
    const { packet } = frame;
    const asksUs = packet.kind === 'neighbour' && !packet.advertisement && packet.target === this.#me.ip;
    if (asksUs && isUnicast(packet.source))
      this.#door.send(advertisement(this.#me, { mac: this.mac, ip: packet.source }));
    const answer = frame.destination === this.#me.mac;
    const echo = packet.kind === 'echo' && packet.reply && answer;
    for (const { mac, ip, by } of claims(frame)) {
      // A packet's source is hearsay: a router's frames bear the addresses of others.
      if (mac !== this.mac || (by === 'source' && !echo)) continue;
      const source = by === 'arp' ? (answer ? 'arp' : 'seen') : by === 'dhcp' ? 'seen' : 'nd';
      if (!this.#found.has(ip)) this.#found.set(ip, { address: ip, source });
    }
  }

  /** All that it could answer. */
  isDone(): boolean {
    const all = [...this.#found.keys()];
    return all.some(ip => !ip.includes(':')) && all.some(ip => ip.includes(':'));
  }

  found = () => [...this.#found.values()];
}

/** Addresses of machines in these subnets, without those that ask for more than `most`; each once. */
export function hostsOf(subnets: readonly string[], most: number): string[] {
  const all = new Set<string>();
  for (const text of subnets) {
    const cidr = parseCidr(text);
    if (cidr?.family !== 4 || cidr.prefix > 30) continue;
    const hosts = cidr.last - cidr.network - 1n;
    if (hosts > BigInt(most - all.size)) continue;
    for (let value = cidr.network + 1n; value < cidr.last; value++) all.add(formatIp(4, value));
  }
  return [...all];
}
