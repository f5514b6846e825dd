import { z } from 'zod';
import { INDEXED_IFNAME_PATTERN, IP_PATTERN, MAC_PATTERN, SLOT_PATTERN } from '../patterns.js';
import { macvtapKeys } from './macvtap.js';
import { portKeys } from './port.js';
import { vlan } from './vlan.js';
import { choice, cidrs, flag, guestCidr, ifname, int, object, objectAs } from './words.js';

const OFFLOADS = 'false, or an object such as { "tso": false }';

const offloads = z.union(
  [
    z.literal(false),
    object({
      csum: flag().describe('Checksums.').optional(),
      gso: flag().describe('Segmentation of any kind, by the host.').optional(),
      tso: flag().describe('Segmentation of TCP, of IPv4 and IPv6.').optional(),
      ecn: flag().describe('TCP segments with congestion marks.').optional(),
      ufo: flag().describe('Fragmentation of UDP.').optional(),
      mrgRxbuf: flag().describe('Frames received into several buffers.').optional(),
    }),
  ],
  { error: OFFLOADS },
);

const SLOT = 'a slot such as "0x05" or 5';

export const nicKeys = {
  model: choice(['virtio', 'e1000e', 'rtl8139'])
    .meta({ description: 'The network card that the guest sees.', default: 'virtio' })
    .optional(),
  queues: int(1, 256)
    .meta({ description: 'Queue pairs; more than 1 only with virtio.', default: 1 })
    .optional(),
  link: choice(['up', 'down'])
    .meta({
      description: 'Whether the guest sees a cable plugged in; changed while it runs.',
      default: 'up',
    })
    .optional(),
  offloads: offloads
    .describe(
      'What the guest may leave to its virtio card, and take from it: each by name, or false for none. Default: what QEMU offers.',
    )
    .optional(),
  vhost: z
    .union([z.boolean(), z.literal('auto')], { error: 'true, false or "auto"' })
    .meta({
      description:
        'Have the kernel (vhost-net) move the frames of a virtio card, or QEMU; "auto" leaves it to libvirt, which takes vhost-net where it is there.',
      default: 'auto',
    })
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
  boot: int(1, 64)
    .describe('Place in the order of booting; the image takes the first place that no NIC has.')
    .optional(),
  pciSlot: z
    .union([z.int().meta({ minimum: 1, maximum: 30 }), z.string().meta({ pattern: SLOT_PATTERN })], {
      error: SLOT,
    })
    .describe('Slot on the root bus, 0x01 to 0x1e, by which the guest names it. Default: a port of its own.')
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
