/** The kernel's switches for forwarding, by path below /proc/sys; for IPv6 that of all interfaces decides. */
export const FORWARDING = [
  {
    family: 'ip',
    paths: (bridge: string) => ['net/ipv4/ip_forward', `net/ipv4/conf/${bridge}/forwarding`],
  },
  { family: 'ip6', paths: (_bridge: string) => ['net/ipv6/conf/all/forwarding'] },
] as const;

/** As `sysctl` writes it. A name with a dot in it stays as it is: sysctl takes slashes instead. */
export const dotted = (path: string) => (path.includes('.') ? path : path.replaceAll('/', '.'));
