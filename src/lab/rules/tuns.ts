import { ADDRESS_BITS, parseCidr, parseHost } from '../cidr.js';
import { ACCOUNT_PATTERN } from '../patterns.js';
import type { Path, Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { hostFix, useFault } from './cidr-fault.js';
import { type AtTun, textsAt, tunsOf } from './walk.js';

const ACCOUNT = new RegExp(ACCOUNT_PATTERN);
/** The kernel's (uid_t)-1 stands for nobody in particular. */
const MOST = 4294967294;

/** Each tun belongs to somebody, and a peer has an address that goes with it. */
export function checkTuns(lab: LooseLab, report: Report): void {
  for (const at of tunsOf(lab)) {
    if (lab.tuns?.[at.name] === undefined) continue;
    checkOwners(at, report);
    checkPeer(at, report);
  }
}

/** drivers/net/tun.c, tun_not_capable(): one without owner and group anybody may attach to. */
function checkOwners({ name, tun, path }: AtTun, report: Report): void {
  if (!('owner' in tun) && !('group' in tun)) {
    const message = `the tun ${quote(name)} has neither owner nor group, so every user of the host could open it`;
    report([...path, 'owner'], message, 'add "owner": the user that your VPN daemon runs as');
  }
  for (const [key, kind] of [
    ['owner', 'user'],
    ['group', 'group'],
  ] as const) {
    const value = tun[key];
    if (value === undefined || isAccount(value)) continue;
    report(
      [...path, key],
      `the ${key} ${quote(String(value))} of the tun ${quote(name)} is no name or number of a ${kind}`,
      `write the name of a ${kind}, such as "openvpn", or its number; "getent ${kind === 'user' ? 'passwd' : 'group'}" lists them`,
    );
  }
}

const isAccount = (value: string | number) =>
  typeof value === 'number'
    ? Number.isInteger(value) && value >= 0 && value <= MOST
    : ACCOUNT.test(value) && !(/^\d+$/.test(value) && Number(value) > MOST);

function checkPeer({ name, tun, path }: AtTun, report: Report): void {
  if (tun.peer === undefined) return;
  const at: Path = [...path, 'peer'];
  const peer = parseHost(tun.peer);
  if (peer === null) {
    const fix = hostFix(tun.peer, '"10.8.0.2"');
    report(at, `the peer ${quote(tun.peer)} is not an IP address`, fix);
    return;
  }
  const { address, family } = peer;
  const bits = ADDRESS_BITS[family];
  const fault = useFault(peer);
  if (fault) {
    report(at, fault.message, 'name the address of the other end');
    return;
  }
  const own = textsAt(tun.address, [])
    .flatMap(({ text }) => parseCidr(text) ?? [])
    .filter(cidr => cidr.family === family);
  const [only] = own;
  if (own.length !== 1 || only?.prefix !== bits) {
    const message = `the tun ${quote(name)} has the peer ${address}, for which it needs one IPv${family} address, with the prefix ${bits}`;
    const example = only ? `${only.address}/${bits}` : family === 4 ? '10.8.0.1/32' : 'fd00:8::1/128';
    report(at, message, `write "address": "${example}", or take "peer" out`);
  } else if (only.value === peer.value) {
    report(at, `the peer ${address} is also the tun's own address`, 'change one of the two');
  }
}
