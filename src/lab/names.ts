import crypto from 'node:crypto';
import { INDEX_LIKE, RESERVED_TAP } from './patterns.js';

/**
 * Everything that is derived from names, so that the same lab gives the same MACs, taps and UUIDs on every run
 * and on every host, with no state to keep. Pure.
 */

/** Ownership mark of a bridge, as an alternative interface name. */
export const bridgeAltname = (lab: string, bridge: string) => `vmnet.${lab}.${bridge}`;

/** Ownership mark of a tap, as an alternative interface name; at most 105 of the 127 bytes that the kernel allows. */
export const nicAltname = (lab: string, vm: string, index: number) => `vmnet.${lab}.${vm}.${index}`;

/** The same marks for people, in `ip link`. */
export const bridgeAlias = (lab: string, bridge: string) => `vmnet:${lab}:${bridge}`;
export const nicAlias = (lab: string, vm: string, index: number) => `vmnet:${lab}:${vm}:${index}`;

/** Marks of an uplink that is a VLAN of another; no VM's name has a dot, so no NIC has such a mark. */
export const subInterfaceAltname = (lab: string, name: string) => `vmnet.${lab}.uplink.${name}`;
export const subInterfaceAlias = (lab: string, name: string) => `vmnet:${lab}:${name}`;
/** Name of the lab's tables in nftables, of whatever family. */
export const tableName = (lab: string) => `vmnet.${lab}`;

/** An empty chain in each such table has the digest of all its rules in its name: a list of chains tells it. */
export const DIGEST_CHAIN = 'digest_';
/** Ownership mark of a namespace, on its `lo`. */
export const namespaceAltname = (lab: string, name: string) => `vmnet.${lab}.${name}`;
export const namespaceAlias = (lab: string, name: string) => `vmnet:${lab}:${name}`;

/** Whether an altname is a lab's mark, of whatever it made. */
export const isMarkOf = (lab: string, altname: string) => altname.startsWith(`vmnet.${lab}.`);

/** Ownership mark of an end of a link; at most 120 of the kernel's 127 bytes. */
export const endAltname = (lab: string, namespace: string, name: string) =>
  `vmnet.${lab}.${namespace}.${name}`;
export const endAlias = (lab: string, namespace: string, name: string) => `vmnet:${lab}:${namespace}:${name}`;

/** What stands for the host itself where a namespace is named. */
export const HOST = 'host';

/** Name of a namespace on the host. */
export const netnsName = (lab: string, name: string) => `${lab}-${name}`;

/** MAC of an end of a link: QEMU's 52:54:00 and three bytes of the hash. */
export function endMac(lab: string, namespace: string, name: string, taken: Set<string>): string {
  return free(taken, salt => `52:54:00:${hexBytes(digest(salt, lab, namespace, name), 3)}`);
}

/** The chain of iptables that lets a bridge pass, by the bridge's alias; names of chains have at most 28 characters. */
export const dockerChain = (alias: string) => `vmnet-${base32(digest(0, alias), 16)}`;

/** Domain of a lab's names, under the one that RFC 6761 keeps free of real ones. */
export const defaultDomain = (lab: string) =>
  `${lab.toLowerCase().replaceAll('_', '-').replace(/-+$/, '')}.test`;

/** Name of the libvirt domain. */
export const domainName = (lab: string, vm: string) => `${lab}-${vm}`;

/** UUID of the libvirt domain: version 5 in form, from the SHA-1 of `vmnet/LAB/VM`. */
export function domainUuid(lab: string, vm: string): string {
  const bytes = hashOf('sha1', `vmnet/${lab}/${vm}`).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(([from, to]) => hex.slice(from, to)).join('-');
}

/** MAC of a guest NIC: QEMU's 52:54:00 and three bytes of the hash. */
export function nicMac(lab: string, vm: string, index: number, taken: Set<string>): string {
  return free(taken, salt => `52:54:00:${hexBytes(digest(salt, lab, vm, index), 3)}`);
}

/** MAC of a bridge without uplink: locally administered, and away from QEMU's range. */
export function bridgeMac(lab: string, bridge: string, taken: Set<string>): string {
  return free(taken, salt => `02:${hexBytes(digest(salt, lab, bridge), 5)}`);
}

/** Tap of a guest NIC: the start of the VM's name for people, six characters of the hash to be unique. */
export function tapName(lab: string, vm: string, index: number, taken: Set<string>): string {
  const start = RESERVED_TAP.test(vm) || INDEX_LIKE.test(`${vm}-0`) ? `t-${vm.slice(0, 6)}` : vm.slice(0, 8);
  return free(taken, salt => `${start}-${base32(digest(salt, lab, vm, index), 6)}`);
}

/** The first candidate that is not taken, which then is; the salt 0 is the plain hash. */
function free(taken: Set<string>, candidate: (salt: number) => string): string {
  for (let salt = 0; ; salt++) {
    const name = candidate(salt);
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

/** From Node.js 20.12 on in one call, which is three times as fast. */
const hashOf = (algorithm: 'sha1' | 'sha256', text: string): Buffer =>
  crypto.hash?.(algorithm, text, 'buffer') ?? crypto.createHash(algorithm).update(text).digest();

/** The last one: a NIC's tap is named by the same hash as its MAC. */
let latest: { text: string; hash: Buffer } = { text: '', hash: Buffer.alloc(0) };

function digest(salt: number, ...parts: (string | number)[]): Buffer {
  const text = (salt === 0 ? parts : [...parts, `salt ${salt}`]).join('/');
  if (latest.text !== text) latest = { text, hash: hashOf('sha256', text) };
  return latest.hash;
}

function hexBytes(hash: Buffer, count: number): string {
  let text = hash.toString('hex', 0, 1);
  for (let i = 1; i < count; i++) text += `:${hash.toString('hex', i, i + 1)}`;
  return text;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Five bits a character; one byte each is enough of a 32-byte hash. */
function base32(hash: Buffer, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += BASE32.charAt(hash.readUInt8(i) & 31);
  return text;
}

/** XML namespace of our mark in a domain's `<metadata>`; templates/domain.xml has it, too. */
export const MARK_NAMESPACE = 'urn:vmnet:lab:1';
