import { formatIp, parseCidr, parseIp } from '../cidr.js';

/** As the kernel prints them, so that they can be compared with the host's. */
export const normalised = (cidrs: string | readonly string[]) =>
  [cidrs].flat().map(text => {
    const cidr = parseCidr(text);
    return cidr === null ? text : `${cidr.address}/${cidr.prefix}`;
  });

/** An address without prefix, likewise. */
export function plainAddress(text: string): string {
  const ip = parseIp(text);
  return ip === null ? text : formatIp(ip.family, ip.value);
}
