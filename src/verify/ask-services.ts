import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { FramePort } from '../drivers/port.js';
import type { Link } from '../host/model.js';
import type { Bridge, Dhcp } from '../lab/model.js';
import { arpReply } from './frames.js';
import { dhcpDiscover, dnsAnswer, dnsQuery } from './messages.js';
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

/** Ask for DHCP and DNS through a port of our own on the bridge. */
export async function ask(served: Served, drivers: Drivers, signal: AbortSignal | null): Promise<Heard> {
  const name = `vmd${randomBytes(5).toString('hex')}`;
  const port = await drivers.port.open(name);
  try {
    await drivers.ip.batch(plugLines({ port: name, bridge: served.link.name, mtu: served.link.mtu }));
    await drivers.ip.batch(vlanLines({ port: name, vid: served.vid }), { program: 'bridge' });
    const mac = ownMac();
    const offers = await askDhcp(served, mac, port, signal);
    // Nobody else has the address that was offered to us.
    const own = offers.get(mac)?.ip;
    return {
      offers,
      stranger: mac,
      dns: own === undefined ? null : await askDns(served, { mac, ip: own }, port, signal),
    };
  } finally {
    port.close();
  }
}

async function askDhcp({ kept }: Served, mac: string, port: FramePort, signal: AbortSignal | null) {
  const offers = new Map<string, { ip: string; by: string }>();
  port.onFrame(bytes => {
    const packet = parseFrame(bytes)?.packet;
    if (packet?.kind === 'dhcp' && packet.reply && packet.address !== null)
      offers.set(packet.client, { ip: packet.address, by: packet.source });
  });
  const clients = [mac, ...kept.map(guest => guest.mac)];
  await repeatedly(signal, () => {
    const waiting = clients.filter(client => !offers.has(client));
    return {
      done: waiting.length === 0,
      send: () => {
        for (const client of waiting) port.send(dhcpDiscover(mac, client, randomBytes(4).readUInt32BE()));
      },
    };
  });
  return offers;
}

async function askDns(
  { dhcp, link, server, kept }: Served,
  own: { readonly mac: string; readonly ip: string },
  port: FramePort,
  signal: AbortSignal | null,
): Promise<NonNullable<Heard['dns']>> {
  const id = randomBytes(2).readUInt16BE();
  const from = 0x8000 | (id & 0x3fff);
  // Where no guest has an address of its own, it is enough that there is an answer.
  const name = kept[0] ? `${kept[0].vm.toLowerCase()}.${dhcp.domain}` : dhcp.domain;
  let heard: { code: number; addresses: readonly string[] } | null = null;
  port.onFrame(bytes => {
    const packet = parseFrame(bytes)?.packet;
    // The host asks who has the address that we ask from.
    if (packet?.kind === 'arp' && !packet.reply && packet.target === own.ip)
      port.send(arpReply(own, packet.sender));
    const answer = dnsAnswer(bytes, from);
    if (answer?.id === id) heard = answer;
  });
  const query = dnsQuery(own, from, { mac: link.mac, ip: server }, name, id);
  await repeatedly(signal, () => ({ done: heard !== null, send: () => void port.send(query) }));
  const answer = heard as { code: number; addresses: readonly string[] } | null;
  return { name, code: answer?.code ?? null, addresses: answer?.addresses ?? [] };
}

/** Ask, and again, until all is heard or there is no patience left. */
async function repeatedly(
  signal: AbortSignal | null,
  next: () => { done: boolean; send: () => void },
): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  let again = 0;
  for (let state = next(); !state.done && Date.now() < deadline && !signal?.aborted; state = next()) {
    if (Date.now() >= again) {
      state.send();
      again = Date.now() + AGAIN;
    }
    await sleep(LOOK);
  }
}
