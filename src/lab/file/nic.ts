import { z } from 'zod';
import { INDEXED_IFNAME_PATTERN, IP_PATTERN, MAC_PATTERN } from '../patterns.js';
import { macvtapKeys } from './macvtap.js';
import { portKeys } from './port.js';
import { vlan } from './vlan.js';
import { choice, cidrs, guestCidr, ifname, int, objectAs } from './words.js';

export const nicKeys = {
  model: choice(['virtio', 'e1000e', 'rtl8139'])
    .meta({ description: 'The network card that the guest sees.', default: 'virtio' })
    .optional(),
  queues: int(1, 256)
    .meta({ description: 'Queue pairs; more than 1 only with virtio.', default: 1 })
    .optional(),
  // The kernel's tun driver takes 65535 less the 14 bytes of the Ethernet header.
  mtu: int(68, 65521)
    .describe('MTU in bytes. Default: that of the bridge. A macvtap always has that of its uplink.')
    .optional(),
  ...portKeys,
};

const GATEWAYS = 'a list of one address for IPv4 and one for IPv6';
const gateway = z.string({ error: 'an address such as "192.168.1.1"' }).meta({ pattern: IP_PATTERN });

export const NicFile = objectAs('an object such as { "bridge": "br0" }')({
  bridge: z
    .string({ error: 'the name of one of the bridges of this lab' })
    .describe('The bridge, by its name in "bridges". A macvtap has none.')
    .optional(),
  ...macvtapKeys,
  mac: z
    .string({ error: 'a MAC address such as "52:54:00:12:34:56"' })
    .meta({
      description: 'MAC address of the guest. Default: derived from lab, VM and index, so it stays the same.',
      pattern: MAC_PATTERN,
    })
    .optional(),
  tap: ifname('a name for the tap interface, at most 15 characters', INDEXED_IFNAME_PATTERN)
    .describe(
      'Name of the tap on the host. Default: derived from lab, VM and index. With a "count" it needs "{index}".',
    )
    .optional(),
  ...nicKeys,
  vlan: vlan()
    .describe(
      'The VLAN of the NIC, or those that it carries; on a bridge with "vlanFiltering", or of type "ovs".',
    )
    .optional(),
  address: z
    .union([guestCidr, cidrs(guestCidr)], {
      error: 'an address such as "192.168.1.50/24", or a list of such addresses',
    })
    .describe(
      'The addresses that the guest is meant to have, IPv4 and IPv6, with prefixes. With a "count" each needs "{index}".',
    )
    .optional(),
  gateway: z
    .union(
      [
        gateway,
        z.array(gateway, { error: GATEWAYS }).min(1, { error: GATEWAYS }).max(2, { error: GATEWAYS }),
      ],
      {
        error: 'an address such as "192.168.1.1", or a list of one for IPv4 and one for IPv6',
      },
    )
    .describe(
      'The default gateway that the guest is meant to use, one for each of IPv4 and IPv6. Default: on a bridge of mode "nat" or "routed" the address of the bridge, where the NIC has one of the same subnet.',
    )
    .optional(),
});
