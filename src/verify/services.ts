import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { FramePort } from '../drivers/port.js';
import type { HostState, Link } from '../host/model.js';
import { parseCidr } from '../lab/cidr.js';
import type { Bridge, Dhcp, Lab } from '../lab/model.js';
import { hostVid } from '../lab/vlans.js';
import { arpReply } from './frames.js';
import { dhcpDiscover, dnsAnswer, dnsQuery } from './messages.js';
import type { Check } from './model.js';
import { parseFrame } from './packets.js';
import type { ProveOptions } from './prove.js';
import { keepsSilent, plugLines, randomMac, vlanLines } from './station.js';

// Are DHCP and DNS really served? Asked as a guest would, through a port of our own on the bridge.

/** With `passive` nothing is sent: only whether somebody runs is looked at. */
export type AskOptions = Pick<ProveOptions, 'passive' | 'signal'>;

/** A bridge that is to be asked on. */
interface Served {
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

/** Two checks for each bridge with DHCP: `dhcp` and `dns`. */
export async function checkServices(
  lab: Lab,
  host: HostState,
  drivers: Drivers,
  options: AskOptions,
): Promise<Check[]> {
  const bridges = lab.bridges.flatMap(bridge => (bridge.dhcp ? [{ bridge, dhcp: bridge.dhcp }] : []));
  const checks = await Promise.all(
    bridges.map(async ({ bridge, dhcp }) => {
      const link = host.links.find(({ altnames }) => altnames.includes(bridge.altname));
      const server = link?.addresses.find(({ family }) => family === 4)?.local;
      const runs = host.services.some(service => service.lab === lab.name && service.bridge === bridge.name);
      if (!link || !server || !runs) return notThere(bridge);
      const vid = bridge.vlanFiltering ? hostVid(bridge, lab) : null;
      const served = { bridge, dhcp, link, vid, server, kept: keptOn(lab, bridge, link) };
      if (options.passive) return notAsked(served);
      if (keepsSilent(link)) return silent(served);
      return judge(served, await ask(served, drivers, options.signal));
    }),
  );
  return checks.flat();
}

/** As many are asked for. */
const MOST_KEPT = 32;

function keptOn(lab: Lab, bridge: Bridge, link: Link): Served['kept'] {
  const subnets = link.addresses.flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? []);
  return lab.vms
    .flatMap(vm => vm.nics)
    .filter(nic => nic.bridge === bridge.name)
    .flatMap(({ vm, mac, addresses }) => {
      const [first] = addresses
        .flatMap(text => parseCidr(text) ?? [])
        .filter(
          ({ family, value }) =>
            family === 4 && subnets[0] && value >= subnets[0].network && value <= subnets[0].last,
        );
      return first ? [{ vm, mac, ip: first.address }] : [];
    })
    .slice(0, MOST_KEPT);
}

/** What came back. */
interface Heard {
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

async function ask(served: Served, drivers: Drivers, signal: AbortSignal | null): Promise<Heard> {
  const name = `vmd${randomBytes(5).toString('hex')}`;
  const port = await drivers.port.open(name);
  try {
    await drivers.ip.batch(plugLines({ port: name, bridge: served.link.name, mtu: served.link.mtu }));
    await drivers.ip.batch(vlanLines({ port: name, vid: served.vid }), { program: 'bridge' });
    const mac = `02:${randomMac().slice(3)}`;
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

type Fault = readonly [reason: string, hint: string] | null;

function judge(served: Served, heard: Heard): Check[] {
  const { bridge, link, server } = served;
  const offers = Object.fromEntries([...heard.offers].map(([mac, { ip }]) => [mac, ip]));
  return [
    check('dhcp', bridge, dhcpFault(served, heard), { device: link.name, server, offers }),
    check('dns', bridge, dnsFault(served, heard), { device: link.name, server, ...heard.dns }),
  ];
}

function dhcpFault({ link, server, kept }: Served, { offers, stranger }: Heard): Fault {
  const other = [...offers.values()].find(({ by }) => by !== server);
  if (other)
    return [
      'another-server',
      `${other.by} answers DHCP on ${link.name}, too: find that server among the guests, and end it`,
    ];
  const wrong = kept.find(({ mac, ip }) => offers.has(mac) && offers.get(mac)?.ip !== ip);
  if (wrong)
    return [
      'wrong-address',
      `dnsmasq offers ${offers.get(wrong.mac)?.ip} to ${wrong.vm}, whose address is ${wrong.ip}: somebody else has a lease of that; run vmnet status, and end that lease`,
    ];
  if (offers.size === 0)
    return [
      'no-offer',
      `dnsmasq runs, but no offer came on ${link.name}: does a firewall of the host drop UDP port 67 that comes in there? (nft list ruleset; with ufw: ufw allow in on ${link.name})`,
    ];
  const unheard = kept.find(({ mac }) => !offers.has(mac));
  if (unheard)
    return ['no-offer', `dnsmasq offers ${unheard.vm} (${unheard.mac}) nothing: run vmnet provision`];
  if (!offers.has(stranger))
    return [
      'range-full',
      `dnsmasq has no address left for a new guest on ${link.name}: write a larger "range"`,
    ];
  return null;
}

function dnsFault({ link, server, kept }: Served, { dns }: Heard): Fault {
  if (dns === null)
    return ['not-asked', `there is no address on ${link.name} to ask from, since DHCP gave none`];
  if (dns.code === null)
    return [
      'no-answer',
      `dnsmasq runs, but ${server} gave no answer on ${link.name}: does a firewall of the host drop UDP port 53 that comes in there? (nft list ruleset; with ufw: ufw allow in on ${link.name})`,
    ];
  const [first] = kept;
  if (first && !dns.addresses.includes(first.ip))
    return [
      'wrong-answer',
      `${dns.name} is ${dns.addresses.join(', ') || `unknown (code ${dns.code})`} instead of ${first.ip}: run vmnet provision`,
    ];
  return null;
}

const notThere = (bridge: Bridge): Check[] =>
  (['dhcp', 'dns'] as const).map(name =>
    check(
      name,
      bridge,
      ['not-running', `no dnsmasq of vmnet runs on ${bridge.name}: run vmnet provision`],
      {},
    ),
  );

/** With --passive, that somebody runs is all that is claimed. */
const notAsked = ({ bridge, link, server }: Served): Check[] =>
  (['dhcp', 'dns'] as const).map(name =>
    check(name, bridge, null, { device: link.name, server, asked: false }),
  );

const silent = ({ bridge, link, server }: Served): Check[] =>
  (['dhcp', 'dns'] as const).map(name => ({
    ...check(
      name,
      bridge,
      [
        'port-silent',
        `dnsmasq runs, but STP keeps a new port of ${link.name} silent for a while, so it was not asked: write "stp": false, or look from a guest`,
      ],
      { device: link.name, server, asked: false },
    ),
    verdict: 'unproven',
  }));

const check = (
  name: 'dhcp' | 'dns',
  bridge: Bridge,
  fault: Fault,
  evidence: Readonly<Record<string, unknown>>,
): Check => ({
  name,
  vm: '',
  bridge: bridge.name,
  nic: null,
  verdict: fault ? 'failed' : 'ok',
  reason: fault?.[0] ?? null,
  hint: fault?.[1] ?? null,
  evidence,
});
