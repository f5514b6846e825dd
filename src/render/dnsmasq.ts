// Config files for dnsmasq(8). It knows no quoting: every name is of a safe pattern, and every VM's has a dot and a domain
// behind it, so that `10m` is no lease time and `ignore` no keyword.

export interface DnsmasqSettings {
  readonly lab: string;
  /** The interface that it serves, and no other. */
  readonly device: string;
  readonly range: { readonly first: string; readonly last: string; readonly netmask: string };
  readonly leaseSeconds: number;
  readonly domain: string;
  /** Resolvers that guests are told of; empty is dnsmasq itself. */
  readonly dns: readonly string[];
  /** No way out: guests are told of no router, and nothing is asked of other resolvers. */
  readonly isolated: boolean;
  readonly hosts: readonly DnsmasqHost[];
}

export interface DnsmasqHost {
  /** Lower-case. */
  readonly name: string;
  readonly mac: string;
  /** IPv4 address that is kept for it; null takes one of the range. */
  readonly lease: string | null;
  /** Its lease bears the name. */
  readonly leaseName: boolean;
  /** Known to DNS whether it has a lease or not. */
  readonly addresses: readonly string[];
}

/** The whole file. Where leases and pid are kept is said on the command line. */
export function dnsmasqConfig({
  lab,
  device,
  range,
  leaseSeconds,
  domain,
  hosts,
  ...rest
}: DnsmasqSettings): string {
  const { dns, isolated } = rest;
  return [
    `# Made by vmnet for the lab ${lab}: it is written anew with each change of the lab.`,
    `interface=${device}`,
    'except-interface=lo',
    // Addresses that change on the bridge are followed, and those of other interfaces left to others.
    'bind-dynamic',
    'no-hosts',
    `domain=${domain}`,
    `local=/${domain}/`,
    'domain-needed',
    'bogus-priv',
    ...(isolated ? ['no-resolv'] : []),
    `dhcp-range=${range.first},${range.last},${range.netmask},${leaseSeconds}`,
    'dhcp-authoritative',
    // Nobody else is on this network, and a ping before each offer would cost three seconds.
    'no-ping',
    ...(isolated ? ['dhcp-option=option:router'] : []),
    ...(dns.length > 0 ? [`dhcp-option=option:dns-server,${dns.join(',')}`] : []),
    ...hosts.flatMap(host => hostLines(host, domain)),
    '',
  ].join('\n');
}

function hostLines({ name, mac, lease, leaseName, addresses }: DnsmasqHost, domain: string): string[] {
  const whole = `${name}.${domain}`;
  const words = [mac, ...(lease === null ? [] : [lease]), ...(leaseName ? [whole] : [])];
  return [
    ...(words.length > 1 ? [`dhcp-host=${words.join(',')}`] : []),
    ...addresses.map(address => `host-record=${whole},${address}`),
  ];
}
