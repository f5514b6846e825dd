import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { FramePort } from '../drivers/port.js';
import type { Link } from '../host/model.js';
import type { Bridge, Dhcp } from '../lab/model.js';
import { arpReply } from './frames.js';
import { makeKnown } from './known.js';
import { dhcpDiscover, dnsAnswer, dnsQuery } from './messages.js';
import type { Host } from './octets.js';
import { parseFrame } from './packets.js';
import { ownMac, plugLines, vlanLines } from './station.js';

/** A bridge that is to be asked on. */
export interface Served {
  readonly bridge: Bridge;
  readonly dhcp: Dhcp;
  readonly link: Link;
  /** VLAN of the host there; null where none are told apart. */
  readonly vid: number | null;
  /** Of the host on that bridge. */
  readonly server: string;
  /** Guests whose address is kept for them. */
  readonly kept: readonly { readonly vm: string; readonly mac: string; readonly ip: string }[];
}

/** What came back. */
export interface Heard {
  /** By the client's MAC: what it was offered, and by whom. */
  readonly offers: ReadonlyMap<string, { readonly ip: string; readonly by: string }>;
  /** MAC of somebody whom the lab does not know. */
  readonly stranger: string;
  /** Name that was asked for, and what came; null where there was no address to ask from. */
  readonly dns: {
    readonly name: string;
    readonly code: number | null;
    readonly addresses: readonly string[];
  } | null;
}

/** Milliseconds for an answer, and between questions. */
const PATIENCE = 3_000;
const AGAIN = 500;
const LOOK = 4;
/** Addresses that are tried before DNS counts as silent. */
const MOST_TRIES = 8;

/** Ask for DHCP and DNS through a port of our own on the bridge. */
export async function ask(served: Served, drivers: Drivers, signal: AbortSignal | null): Promise<Heard> {
  const name = `vmd${randomBytes(5).toString('hex')}`;
  const port = await drivers.port.open(name);
  try {
    await drivers.ip.batch(plugLines({ port: name, bridge: served.link.name, mtu: served.link.mtu }));
    await drivers.ip.batch(vlanLines({ port: name, vid: served.vid }), { program: 'bridge' });
    return await askAt(port, served, signal);
  } finally {
    port.close();
  }
}

async function askAt(port: FramePort, served: Served, signal: AbortSignal | null): Promise<Heard> {
  const stranger = ownMac();
  const mine = new Set([stranger]);
  // dnsmasq forgets its offers: clients that ask at the same moment are offered the same now and then, until one of them
  // takes it. We never do, so it is theirs.
  const known = makeKnown([], mine);
  port.onFrame(bytes => {
    const frame = parseFrame(bytes);
    if (frame && !(frame.packet.kind === 'dhcp' && frame.packet.reply)) known.hear(frame);
  });
  const offers = await askDhcp([stranger, ...served.kept.map(({ mac }) => mac)], stranger, port, signal);
  let [mac, offered] = [stranger, offers];
  for (let tries = 1; ; tries++) {
    const ip = offered.get(mac)?.ip;
    if (ip === undefined) return { offers, stranger, dns: null };
    const own = { mac, ip };
    const dns = await askDns(served, own, port, () => known.isUsed(ip) || signal?.aborted === true);
    if (dns.code !== null || !known.isUsed(ip) || tries === MOST_TRIES) return { offers, stranger, dns };
    mac = ownMac();
    mine.add(mac);
    offered = await askDhcp([mac], mac, port, signal);
  }
}

async function askDhcp(clients: readonly string[], mac: string, port: FramePort, signal: AbortSignal | null) {
  const offers = new Map<string, { ip: string; by: string }>();
  port.onFrame(bytes => {
    const packet = parseFrame(bytes)?.packet;
    if (packet?.kind === 'dhcp' && packet.reply && packet.address !== null)
      offers.set(packet.client, { ip: packet.address, by: packet.source });
  });
  await repeatedly(() => {
    const waiting = clients.filter(client => !offers.has(client));
    return {
      done: waiting.length === 0 || signal?.aborted === true,
      send: () => {
        for (const client of waiting) port.send(dhcpDiscover(mac, client, randomBytes(4).readUInt32BE()));
      },
    };
  });
  return offers;
}

async function askDns(
  { dhcp, link, server, kept }: Served,
  own: Host,
  port: FramePort,
  givenUp: () => boolean,
): Promise<NonNullable<Heard['dns']>> {
  const id = randomBytes(2).readUInt16BE();
  const from = 0x8000 | (id & 0x3fff);
  // Where no guest has an address of its own, it is enough that there is an answer.
  const name = kept[0] ? `${kept[0].vm.toLowerCase()}.${dhcp.domain}` : dhcp.domain;
  let heard: { code: number; addresses: readonly string[] } | null = null;
  port.onFrame(bytes => {
    const packet = parseFrame(bytes)?.packet;
    // The host asks who has the address that we ask from.
    if (packet?.kind === 'arp' && !packet.reply && packet.target === own.ip && !givenUp())
      port.send(arpReply(own, packet.sender));
    const answer = dnsAnswer(bytes, from);
    if (answer?.id === id) heard = answer;
  });
  const query = dnsQuery(own, from, { mac: link.mac, ip: server }, name, id);
  await repeatedly(() => ({ done: heard !== null || givenUp(), send: () => void port.send(query) }));
  const answer = heard as { code: number; addresses: readonly string[] } | null;
  return { name, code: answer?.code ?? null, addresses: answer?.addresses ?? [] };
}

/** Ask, and again, until all is heard or there is no patience left. */
async function repeatedly(next: () => { done: boolean; send: () => void }): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  let again = 0;
  for (let state = next(); !state.done && performance.now() < deadline; state = next()) {
    if (performance.now() >= again) {
      state.send();
      again = performance.now() + AGAIN;
    }
    await sleep(LOOK);
  }
}
