import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { OvsDump } from '../drivers/ovs.js';
import type { FramePort } from '../drivers/port.js';
import { VmnetError } from '../errors.js';
import { parseLink } from '../host/links.js';
import type { Link } from '../host/model.js';
import { bridgesIn, PROOF } from '../host/ovs.js';
import { type Subnet, subnetOf, subnetsOf } from './addresses.js';
import { domainOf } from './segment.js';
import { sourceOf, tagged } from './tags.js';
import type { Target } from './targets.js';

/** Our place on a bridge: a port that hears what is flooded, and speaks as a neighbour of the guests. */
export interface Station {
  readonly bridge: string;
  /** The bridge, or one VLAN of it. */
  readonly domain: string;
  readonly ovs: boolean;
  /** null where no VLANs are told apart. */
  readonly vid: number | null;
  readonly port: string;
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
  const members = targets.some(({ ovs }) => ovs) ? portsIn(await drivers.ovs.dump()) : new Set<string>();
  const sites = sitesOf(targets, links, members);
  const ports: FramePort[] = [];
  try {
    for (const { port } of sites) ports.push(await drivers.port.open(port));
    for (const [i, { lanPort, port }] of sites.entries())
      if (lanPort !== port) ports[i] = split(ports[i] as FramePort, await drivers.port.open(lanPort), lanMac);
    await drivers.ip.batch(sites.flatMap(site => [...lanLines(site), ...plugLines(site)]));
    await drivers.ip.batch(sites.flatMap(vlanLines), { program: 'bridge' });
    await drivers.ovs?.transact(sites.flatMap(ovsCommands));
    const noTc = passive ? 'nothing is sent' : await redirect(sites, lanMac, drivers);
    return sites.map((site, i) =>
      station(site, trunk(ports[i] as FramePort, site.tag, lanMac), site.noLan ?? noTc),
    );
  } catch (error) {
    for (const port of ports) port.close();
    throw error;
  }
}

/** A bridge, and what our port there is to be. */
interface Site {
  readonly bridge: string;
  readonly domain: string;
  readonly ovs: boolean;
  readonly vid: number | null;
  /** Of frames that come in at the uplink. */
  readonly tag: number | null;
  /** Where such frames are sent from. In user space Open vSwitch would read them at a port of its own, too. */
  readonly lanPort: string;
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

/** A tag for the run, and the number of the bridge; of a second tap with its own prefix. */
const portName = (tag: string, i: number, prefix: 'vmp' | 'vml' = 'vmp') => `${prefix}${tag}${i}`;

/** Is it a port that a proof, of whichever run, asks from? */
export const isAskingPort = (name: string) => /^vm[pl][0-9a-f]{8}\d+$/.test(name);

function sitesOf(
  targets: readonly Target[],
  links: ReadonlyMap<string, Link>,
  members: ReadonlySet<string>,
): Site[] {
  const tag = randomBytes(4).toString('hex');
  return [...new Set(targets.map(domainOf))].map((domain, i) => {
    const own = targets.filter(target => domainOf(target) === domain);
    const { bridge = '', ovs = false, segment = null } = own[0] ?? {};
    const uplink = own.find(target => target.uplink !== null)?.uplink ?? null;
    const enslaved =
      uplink !== null &&
      (ovs ? members.has(`${bridge} ${uplink}`) : links.get(uplink)?.master === bridge) &&
      segment?.carried !== false;
    const link = links.get(bridge);
    const addresses = link?.addresses.filter(({ local }) => !local.includes(':')) ?? [];
    const subnets = [
      ...subnetsOf(own),
      ...addresses.flatMap(it => subnetOf(`${it.local}/${it.prefix}`) ?? []),
    ];
    return {
      bridge,
      domain,
      ovs,
      vid: segment?.vid ?? null,
      tag: segment?.tag ?? null,
      lanPort: portName(tag, i, ovs && enslaved ? 'vml' : 'vmp'),
      targets: own,
      port: portName(tag, i),
      mtu: link?.mtu ?? 1500,
      uplink: enslaved ? uplink : null,
      noLan: enslaved ? null : uplink ? `${uplink} is no port of ${domain}` : `${bridge} has no uplink`,
      hears: !keepsSilent(link),
      subnets: [...new Map(subnets.map(subnet => [subnet.text, subnet] as const)).values()],
    };
  });
}

/** Its STP lets a new port neither speak nor hear for a while. */
export const keepsSilent = (link: Link | undefined): boolean =>
  link?.bridge?.stp === true && link.bridge.forwardDelay > 0;

type Plug = Pick<Site, 'port' | 'bridge' | 'mtu'> & { readonly ovs?: boolean };

/** Where frames of the LAN are sent from by a tap of their own. */
const lanLines = ({ port, lanPort }: Site) =>
  lanPort === port ? [] : [`link set dev ${lanPort} addrgenmode none`, `link set dev ${lanPort} up`];

/**
 * The port does not learn: so the bridge floods a guest's answers to every port, the uplink among them, and they
 * are seen there although no peer on the LAN takes part. A MAC that begins with fe is never the lowest, which a
 * bridge without a MAC of its own would take over.
 */
export const plugLines = ({ port, bridge, mtu, ovs = false }: Plug) => [
  `link set dev ${port} address fe:${randomMac().slice(3)} mtu ${mtu} txqueuelen ${QUEUE} addrgenmode none`,
  ...(ovs
    ? []
    : [`link set dev ${port} master ${bridge}`, `link set dev ${port} type bridge_slave learning off`]),
  `link set dev ${port} up`,
];

/** Our port in one VLAN of a bridge that filters. */
export const vlanLines = ({
  port,
  vid,
  ovs = false,
}: Pick<Site, 'port' | 'vid'> & { readonly ovs?: boolean }) =>
  ovs || vid === null ? [] : [`vlan add dev ${port} vid ${vid} pvid untagged`];

/** A port of Open vSwitch stays in its database when its tap is gone: it bears a mark, by which a later run knows it. */
const ovsCommands = ({ port, bridge, ovs, vid }: Site) =>
  ovs
    ? [
        [
          ...['--may-exist', 'add-port', bridge, port],
          ...(vid === null ? [] : [`tag=${vid}`]),
          `external_ids:${PROOF}=${process.pid}`,
        ],
      ]
    : [];

/** Take our ports off bridges of Open vSwitch, before their taps go. */
export const unplug = async (stations: readonly Station[], drivers: Drivers): Promise<void> =>
  drivers.ovs?.transact(
    stations.flatMap(({ ovs, bridge, port }) => (ovs ? [['--if-exists', 'del-port', bridge, port]] : [])),
  );

/** `BRIDGE PORT`. */
const portsIn = (dump: OvsDump) =>
  new Set(bridgesIn(dump).flatMap(({ name, ports }) => ports.map(port => `${name} ${port.name}`)));

/** One port for two taps: frames of `lanMac` go by the other. */
const split = (port: FramePort, lan: FramePort, lanMac: string): FramePort => ({
  ...port,
  send: frame => (sourceOf(frame) === lanMac ? lan : port).send(frame),
  close() {
    port.close();
    lan.close();
  },
});

/** The LAN's frames bear the tag of their VLAN. */
const trunk = (port: FramePort, tag: number | null, lanMac: string): FramePort =>
  tag === null
    ? port
    : { ...port, send: frame => port.send(sourceOf(frame) === lanMac ? tagged(frame, tag) : frame) };

/**
 * Frames that we send as `lanMac` are handed to the uplink, as if they had come in there: through its tc and
 * netfilter ingress into the bridge. The filter is on our own port and goes with it. Null, or why that is not to be.
 */
async function redirect(sites: readonly Site[], lanMac: string, drivers: Drivers): Promise<string | null> {
  const lines = sites.flatMap(({ lanPort: port, uplink }) =>
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
    domain: site.domain,
    ovs: site.ovs,
    vid: site.vid,
    port: site.port,
    targets: site.targets,
    mac: ownMac(),
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

/** A MAC by which we speak: locally administered, and no guest's of QEMU, whose begin with 52. */
export const ownMac = () => `02:${randomMac().slice(3)}`;

export const randomLinkLocal = () => {
  const word = () => (randomBytes(2).readUInt16BE() | 0x1000).toString(16);
  return `fe80::${word()}:${word()}:${word()}:${word()}`;
};
