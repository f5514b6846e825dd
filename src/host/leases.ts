/** A lease that dnsmasq has given. */
export interface Lease {
  /** When it ends, as in `2026-01-31T12:00:00Z`; null where it never does. */
  readonly expires: string | null;
  readonly mac: string;
  readonly address: string;
  /** What the guest is called, without a domain; null where nobody said. */
  readonly name: string | null;
}

/**
 * dnsmasq's lease file: one line a lease, `SECONDS MAC ADDRESS NAME CLIENT-ID`, where `*` is nothing. Names come from
 * guests; dnsmasq lets through only what a name may consist of.
 */
export function parseLeases(text: string): Lease[] {
  return text.split('\n').flatMap(line => {
    const [seconds = '', mac = '', address = '', name = ''] = line.split(' ');
    if (!/^\d+$/.test(seconds) || !/^[0-9a-f:]{17}$/.test(mac) || !/^[\d.]+$/.test(address)) return [];
    const expires =
      seconds === '0' ? null : `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
    return [{ expires, mac, address, name: /^[\w.-]+$/.test(name) ? name : null }];
  });
}
