import { z } from 'zod';
import { CIDR_PATTERN, IFNAME_PATTERN, IP_PATTERN, MAC_PATTERN, SYSCTL_PATTERN } from '../patterns.js';
import { vlan } from './vlan.js';
import { cidr, cidrs, ifname, int, objectAs } from './words.js';

/** What both ends of wires into a namespace have: the keys of a NIC and of a link's end. */
export const innerKeys = {
  address: z
    .union([cidr, cidrs()], {
      error: 'an address such as "192.168.1.50/24", or a list of such addresses',
    })
    .describe('The addresses that it gets, IPv4 and IPv6, with prefixes.')
    .optional(),
  mac: z
    .string({ error: 'a MAC address such as "52:54:00:12:34:56"' })
    .meta({
      description: 'MAC address. Default: derived from the names, so it stays the same.',
      pattern: MAC_PATTERN,
    })
    .optional(),
};

const NamespaceNicFile = objectAs('an object such as { "bridge": "br0" }')({
  bridge: z
    .string({ error: 'the name of one of the bridges of this lab' })
    .describe('The bridge, by its name in "bridges".'),
  name: ifname('a name for the interface inside, at most 15 characters', IFNAME_PATTERN)
    .describe('Name of the interface inside. Default: eth0 for the first, eth1 for the second, and so on.')
    .optional(),
  ...innerKeys,
  mtu: int(68, 65521).describe('MTU in bytes. Default: that of the bridge.').optional(),
  vlan: vlan()
    .describe(
      'The VLAN of the NIC, or those that it carries, which then reach the namespace with their tags; on a bridge with "vlanFiltering".',
    )
    .optional(),
});

const RouteFile = objectAs('an object such as { "to": "default", "via": "192.168.1.1" }')({
  to: z
    .string({ error: '"default" or a subnet such as "10.0.0.0/8"' })
    .meta({ pattern: `^default$|${CIDR_PATTERN}` })
    .describe('Where to: "default", or a subnet.'),
  via: z
    .string({ error: 'the address of a gateway, such as "192.168.1.1"' })
    .meta({ pattern: IP_PATTERN })
    .describe('The gateway, an address in one of the subnets of the namespace.'),
});

const sysctlValue = z.union([z.string(), z.int()], { error: 'a text or a whole number, such as "1"' });

export const NamespaceFile = objectAs('an object such as { "nics": [ … ] }')({
  nics: z
    .array(NamespaceNicFile, { error: 'a list of NICs, such as [ { "bridge": "br0" } ]' })
    .describe('Its interfaces on bridges, in order; each is a veth whose other end is a port of the bridge.')
    .optional(),
  routes: z
    .array(RouteFile, { error: 'a list of routes, such as [ { "to": "default", "via": "192.168.1.1" } ]' })
    .max(256, { error: 'a list of at most 256 routes' })
    .describe('Routes in it, beside those that its addresses bring.')
    .optional(),
  sysctls: z
    .record(z.string().meta({ pattern: SYSCTL_PATTERN }), sysctlValue, {
      error: 'an object such as { "net.ipv4.ip_forward": "1" }',
    })
    .describe('Settings below net. in it, such as { "net.ipv4.ip_forward": "1" }.')
    .optional(),
});
