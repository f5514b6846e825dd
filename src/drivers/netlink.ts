/**
 * As much of rtnetlink(7) as looking into another network namespace takes, where starting `ip` in each would be a process
 * a namespace. What comes out has the form of `ip -json`, so that one parser serves both. Pure.
 */

/** linux/rtnetlink.h, linux/netlink.h */
export const GET = { links: 18, addresses: 22, routes: 26, nsid: 90 } as const;
const NLMSG = { error: 2, done: 3 } as const;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const HEADER = 16;

/** Bytes of the fixed part that comes before the attributes, by what is asked for. */
const FIXED = { links: 16, addresses: 8, routes: 12 } as const;

const AF_INET6 = 10;
const RTM_F_CLONED = 0x200;
const NESTED = 0x3fff;

/** Ask for all links, addresses or routes of both families. */
export function dumpRequest(what: keyof typeof FIXED): Buffer {
  return message(GET[what], NLM_F_REQUEST | NLM_F_DUMP, Buffer.alloc(FIXED[what]));
}

/** Ask for the id that another namespace, behind a descriptor of ours, has in the socket's. */
export function nsidRequest(fd: number): Buffer {
  const body = Buffer.alloc(12); // struct rtgenmsg, padded; then NETNSA_FD
  body.writeUInt16LE(8, 4);
  body.writeUInt16LE(3, 6);
  body.writeUInt32LE(fd, 8);
  return message(GET.nsid, NLM_F_REQUEST, body);
}

function message(type: number, flags: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(HEADER + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, body]);
}

/** The answers in a datagram; `done` where it holds the last one. */
export function parts(datagram: Buffer): { bodies: Buffer[]; done: boolean; errno: number } {
  const bodies: Buffer[] = [];
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    if (length < HEADER || at + length > datagram.length) break;
    const body = datagram.subarray(at + HEADER, at + length);
    if (type === NLMSG.done) return { bodies, done: true, errno: 0 };
    if (type === NLMSG.error) return { bodies, done: true, errno: -body.readInt32LE(0) };
    bodies.push(body);
    at += (length + 3) & ~3;
  }
  return { bodies, done: false, errno: 0 };
}

type Attributes = ReadonlyMap<number, Buffer>;

function attributes(bytes: Buffer): [number, Buffer][] {
  const found: [number, Buffer][] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.push([bytes.readUInt16LE(at + 2) & NESTED, bytes.subarray(at + 4, at + length)]);
    at += (length + 3) & ~3;
  }
  return found;
}

const text = (bytes: Buffer | undefined) => bytes?.toString('latin1').replace(/\0.*$/s, '');
const u32 = (bytes: Buffer | undefined) => (bytes && bytes.length >= 4 ? bytes.readUInt32LE(0) : undefined);

/** linux/if_link.h */
const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  linkinfo: 18,
  alias: 20,
  netnsid: 37,
  stats64: 23,
  props: 52,
} as const;
const IFLA_INFO_KIND = 1;
const IFLA_ALT_IFNAME = 53;
const FLAGS = [
  [0x1, 'UP'],
  [0x8, 'LOOPBACK'],
  [0x10000, 'LOWER_UP'],
] as const;
const ARPHRD_LOOPBACK = 772;

/** One link, as `ip -json -details address show` has it but for its addresses. */
export function parseLinkMessage(body: Buffer): Record<string, unknown> {
  const found: Attributes = new Map(attributes(body.subarray(FIXED.links)));
  const flags = body.readUInt32LE(8);
  const kind = text(new Map(attributes(found.get(IFLA.linkinfo) ?? Buffer.alloc(0))).get(IFLA_INFO_KIND));
  const stats = found.get(IFLA.stats64);
  const link = u32(found.get(IFLA.link));
  const netnsid = found.get(IFLA.netnsid)?.readInt32LE(0);
  return {
    ifindex: body.readInt32LE(4),
    ifname: text(found.get(IFLA.name)),
    link_type: body.readUInt16LE(2) === ARPHRD_LOOPBACK ? 'loopback' : 'ether',
    flags: FLAGS.flatMap(([bit, name]) => (flags & bit ? [name] : [])),
    mtu: u32(found.get(IFLA.mtu)),
    address: found
      .get(IFLA.address)
      ?.toString('hex')
      .replace(/(..)(?!$)/g, '$1:'),
    ...(found.has(IFLA.alias) ? { ifalias: text(found.get(IFLA.alias)) } : {}),
    altnames: attributes(found.get(IFLA.props) ?? Buffer.alloc(0)).flatMap(([type, bytes]) =>
      type === IFLA_ALT_IFNAME ? [text(bytes)] : [],
    ),
    linkinfo: kind === undefined ? {} : { info_kind: kind },
    ...(link === undefined ? {} : { link_index: link }),
    ...(netnsid === undefined ? {} : { link_netnsid: netnsid }),
    ...(stats ? { stats64: { rx: { packets: u64(stats, 0) }, tx: { packets: u64(stats, 8) } } } : {}),
  };
}

const u64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));

/** linux/if_addr.h */
const IFA = { address: 1, local: 2 } as const;
const SCOPES: Readonly<Record<number, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host' };

/** One address, as in `addr_info`, with the index of its link. */
export function parseAddressMessage(body: Buffer): { index: number; address: Record<string, unknown> } {
  const found: Attributes = new Map(attributes(body.subarray(FIXED.addresses)));
  const six = body.readUInt8(0) === AF_INET6;
  return {
    index: body.readUInt32LE(4),
    address: {
      family: six ? 'inet6' : 'inet',
      local: ipText(found.get(IFA.local) ?? found.get(IFA.address)),
      prefixlen: body.readUInt8(1),
      scope: SCOPES[body.readUInt8(3)] ?? 'global',
    },
  };
}

/** linux/rtnetlink.h */
const RTA = { dst: 1, oif: 4, gateway: 5, priority: 6, table: 15 } as const;
const PROTOCOLS: Readonly<Record<number, string>> = { 2: 'kernel', 3: 'boot', 4: 'static', 9: 'ra' };
const RTN_UNICAST = 1;
const MAIN = 254;

/** One unicast route of the main table; null for any other. */
export function parseRouteMessage(body: Buffer): (Record<string, unknown> & { oif: number | null }) | null {
  const found: Attributes = new Map(attributes(body.subarray(FIXED.routes)));
  const six = body.readUInt8(0) === AF_INET6;
  const table = u32(found.get(RTA.table)) ?? body.readUInt8(4);
  if (body.readUInt8(7) !== RTN_UNICAST || table !== MAIN || body.readUInt32LE(8) & RTM_F_CLONED) return null;
  const everything = six ? '::' : '0.0.0.0';
  return {
    family: six ? 6 : 4,
    dst: `${found.has(RTA.dst) ? ipText(found.get(RTA.dst)) : everything}/${body.readUInt8(1)}`,
    gateway: found.has(RTA.gateway) ? ipText(found.get(RTA.gateway)) : null,
    protocol: PROTOCOLS[body.readUInt8(5)] ?? String(body.readUInt8(5)),
    metric: u32(found.get(RTA.priority)) ?? null,
    oif: u32(found.get(RTA.oif)) ?? null,
  };
}

/** In the form of RFC 5952, as ip prints it. */
function ipText(bytes: Buffer | undefined): string {
  if (bytes === undefined) return '';
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
