// dhclient.leases(5): blocks `lease { interface "eth0"; fixed-address 192.0.2.10; … }`, the latest of an interface last.

/** The last lease of an interface, as it stands there; null where it has none. */
export function lastLease(text: string, on: string): string | null {
  const blocks = text.match(/^lease \{\n[\s\S]*?^\}$/gm) ?? [];
  return blocks.findLast(block => block.includes(`\n  interface "${on}";\n`)) ?? null;
}

/** By which a client calls itself (dhclient -i), as a statement of its own; empty where there is none. */
export const duidOf = (text: string): string => /^default-duid .*;\n/m.exec(text)?.[0] ?? '';

/** The same lease, held on another interface. */
export const leaseOn = (block: string, from: string, to: string): string =>
  block.replace(`\n  interface "${from}";\n`, `\n  interface "${to}";\n`);

/** What a lease says: its address, seconds from its beginning to its end, and when it has to be renewed and ends. */
export function leaseTerms(block: string): { address: string | null; seconds: number | null; times: string } {
  const seconds = /^ {2}option dhcp-lease-time (\d+);$/m.exec(block)?.[1];
  return {
    address: /^ {2}fixed-address ([\d.]+);$/m.exec(block)?.[1] ?? null,
    // dhclient writes the rest anew, in another order, when it starts.
    times: (block.match(/^ {2}(?:renew|rebind|expire) .*;$/gm) ?? []).join('\n'),
    seconds: seconds === undefined ? null : Number(seconds),
  };
}
