import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { FramePort } from '../drivers/port.js';
import { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import type { Link } from '../host/model.js';
import { type Subnet, subnetOf, subnetsOf } from './addresses.js';
import type { Target } from './targets.js';

/** Our place on a bridge: a port that hears what is flooded, and speaks as a neighbour of the guests. */
export interface Station {
  readonly bridge: string;
  readonly targets: readonly Target[];
  /** As a neighbour on the bridge. */
  readonly mac: string;
  readonly linkLocal: string;
  /** As somebody on the LAN: null where frames cannot be made to come in at the uplink. */
  readonly lan: { readonly uplink: string; readonly linkLocal: string } | null;
  /** Why there is no `lan`; null where there is. */
  readonly noLan: string | null;
  /** False where the bridge's STP keeps a new port silent for half a minute: nothing is heard then, nor said. */
  readonly hears: boolean;
  /** IPv4 subnets that the lab names here, then those that the bridge has an address in. */
  readonly subnets: readonly Subnet[];
  /** The bridge's. */
  readonly mtu: number;
  onFrame(listener: (frame: Uint8Array) => void): void;
  /** Send these frames, after those that wait already, a little spaced. */
  send(frames: readonly Uint8Array[]): Promise<void>;
  /** Send this one at once. */
  answer(frame: Uint8Array): void;
  close(): void;
}

/** Frames of a burst, and milliseconds between bursts: 16 frames a millisecond. */
const BURST = 32;
const SPACING_MS = 2;
/** Flooded answers of a thousand guests wait here for our next look. */
const QUEUE = 4000;

/** One station a bridge. @param lanMac the source of frames that shall come in at the uplink */
export async function makeStations(
  drivers: Drivers,
  targets: readonly Target[],
  lanMac: string,
  passive: boolean,
): Promise<Station[]> {
  const links = new Map((await drivers.ip.links()).map(parseLink).map(link => [link.name, link]));
  const sites = sitesOf(targets, links);
  const ports: FramePort[] = [];
  try {
    for (const { port } of sites) ports.push(await drivers.port.open(port));
    await drivers.ip.batch(sites.flatMap(plugLines));
    const noTc = passive ? 'nothing is sent' : await redirect(sites, lanMac, drivers);
    return sites.map((site, i) => station(site, ports[i] as FramePort, site.noLan ?? noTc));
  } catch (error) {
    for (const port of ports) port.close();
    throw error;
  }
}

/** A bridge, and what our port there is to be. */
interface Site {
  readonly bridge: string;
  readonly targets: readonly Target[];
  /** At most 15 bytes. */
  readonly port: string;
  /** The bridge's: a smaller one would shrink a bridge that follows its ports. */
  readonly mtu: number;
  readonly uplink: string | null;
  readonly noLan: string | null;
  readonly hears: boolean;
  readonly subnets: readonly Subnet[];
}

/** A tag for the run, and the number of the bridge. */
const portName = (tag: string, i: number) => `vmp${tag}${i}`;

/** Is it a port that a proof, of whichever run, asks from? */
export const isAskingPort = (name: string) => /^vmp[0-9a-f]{8}\d+$/.test(name);

function sitesOf(targets: readonly Target[], links: ReadonlyMap<string, Link>): Site[] {
  const tag = randomBytes(4).toString('hex');
  return [...new Set(targets.map(target => target.bridge))].map((bridge, i) => {
    const own = targets.filter(target => target.bridge === bridge);
    const uplink = own.find(target => target.uplink !== null)?.uplink ?? null;
    const enslaved = uplink !== null && links.get(uplink)?.master === bridge;
    const link = links.get(bridge);
    const addresses = link?.addresses.filter(({ local }) => !local.includes(':')) ?? [];
    const subnets = [
      ...subnetsOf(own),
      ...addresses.flatMap(it => subnetOf(`${it.local}/${it.prefix}`) ?? []),
    ];
    return {
      bridge,
      targets: own,
      port: portName(tag, i),
      mtu: link?.mtu ?? 1500,
      uplink: enslaved ? uplink : null,
      noLan: enslaved ? null : uplink ? `${uplink} is no port of ${bridge}` : `${bridge} has no uplink`,
      hears: !keepsSilent(link),
      subnets: [...new Map(subnets.map(subnet => [subnet.text, subnet] as const)).values()],
    };
  });
}

/** Its STP lets a new port neither speak nor hear for a while. */
export const keepsSilent = (link: Link | undefined): boolean =>
  link?.bridge?.stp === true && link.bridge.forwardDelay > 0;

/**
 * The port does not learn: so the bridge floods a guest's answers to every port, the uplink among them, and they
 * are seen there although no peer on the LAN takes part. A MAC that begins with fe is never the lowest, which a
 * bridge without a MAC of its own would take over.
 */
export const plugLines = ({ port, bridge, mtu }: Pick<Site, 'port' | 'bridge' | 'mtu'>) => [
  `link set dev ${port} address fe:${randomMac().slice(3)} mtu ${mtu} txqueuelen ${QUEUE} addrgenmode none`,
  `link set dev ${port} master ${bridge}`,
  `link set dev ${port} type bridge_slave learning off`,
  `link set dev ${port} up`,
];

/**
 * Frames that we send as `lanMac` are handed to the uplink, as if they had come in there: through its tc and
 * netfilter ingress into the bridge. The filter is on our own port and goes with it. Null, or why that is not to be.
 */
async function redirect(sites: readonly Site[], lanMac: string, drivers: Drivers): Promise<string | null> {
  const lines = sites.flatMap(({ port, uplink }) =>
    uplink === null
      ? []
      : [
          `qdisc add dev ${port} clsact`,
          `filter add dev ${port} ingress protocol all u32 match ether src ${lanMac} action mirred ingress redirect dev ${uplink}`,
        ],
  );
  if (lines.length === 0) return null;
  try {
    await drivers.run('tc', ['-batch', '-'], { input: `${lines.join('\n')}\n`, ownSession: true });
    return null;
  } catch (error) {
    if (error instanceof VmnetError)
      return `tc cannot redirect frames (clsact, u32, mirred): ${error.message}`;
    throw error;
  }
}

function station(site: Site, port: FramePort, noLan: string | null): Station {
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  const sendAll = async (frames: readonly Uint8Array[]) => {
    for (let i = 0; i < frames.length && !closed; i += BURST) {
      for (const frame of frames.slice(i, i + BURST)) port.send(frame);
      await sleep(SPACING_MS);
    }
  };
  return {
    bridge: site.bridge,
    targets: site.targets,
    mac: `02:${randomMac().slice(3)}`,
    linkLocal: randomLinkLocal(),
    lan: noLan === null && site.uplink ? { uplink: site.uplink, linkLocal: randomLinkLocal() } : null,
    noLan,
    hears: site.hears,
    subnets: site.subnets,
    mtu: site.mtu,
    onFrame: listener => port.onFrame(listener),
    send(frames) {
      last = last.then(() => sendAll(frames));
      return last;
    },
    answer: frame => void port.send(frame),
    close() {
      closed = true;
      port.close();
    },
  };
}

export const randomMac = () => (randomBytes(6).toString('hex').match(/../g) ?? []).join(':');

export const randomLinkLocal = () => {
  const word = () => (randomBytes(2).readUInt16BE() | 0x1000).toString(16);
  return `fe80::${word()}:${word()}:${word()}:${word()}`;
};
