import { z } from 'zod';
import { IP_PATTERN } from '../patterns.js';
import { DhcpFile } from './dhcp.js';
import { vlan } from './vlan.js';
import { choice, cidr, cidrs, flag, ifname, int, objectAs } from './words.js';

export const BridgeFile = objectAs('an object such as { "uplink": "eth0" }')({
  type: choice(['linux', 'ovs'])
    .meta({
      description: 'What switches: the bridge of the Linux kernel, or Open vSwitch.',
      default: 'linux',
    })
    .optional(),
  uplink: ifname('the name of a network interface, such as "eth0"')
    .describe(
      'The physical interface that becomes a port of the bridge; "eth0.10" is VLAN 10 of eth0, which is made where it is missing. Leave it out for a bridge of its own.',
    )
    .optional(),
  mode: choice(['bridged', 'isolated', 'nat', 'routed'])
    .describe(
      'What the bridge is for: "bridged" puts its ports on the network of the uplink, "isolated" lets nothing out, "nat" lets out through the host with the address of the host, "routed" lets out and in through the host. Default: "bridged" with an uplink or where the bridge is permanent, else "isolated".',
    )
    .optional(),
  docker: choice(['keep', 'allow'])
    .meta({
      description:
        'Docker has the host drop what is forwarded, unless its own chain DOCKER-USER lets it pass: "allow" adds one rule there for this bridge, which destroy removes; "keep" leaves that chain alone. For "nat" and "routed".',
      default: 'keep',
    })
    .optional(),
  permanent: flag()
    .meta({
      description:
        'The bridge exists already and is not made by vmnet: it is used, and neither changed nor deleted. Only the taps, and the uplink where one is named, become its ports.',
      default: false,
    })
    .optional(),
  address: z
    .union(
      [
        z.enum(['inherit', 'auto', 'none']),
        cidr,
        cidrs().min(1, { error: '"none", or at least one address' }),
      ],
      {
        error: '"inherit", "auto", "none", an address such as "192.168.1.1/24", or a list of such addresses',
      },
    )
    .describe(
      'Where the bridge gets its own addresses: "inherit" moves those of the uplink with their routes, "auto" chooses a free IPv4 subnet of its own, "none" gives it none, or give addresses with prefixes. Default: "inherit" with an uplink, "auto" with mode "nat" or "routed", else "none"; a permanent bridge keeps its own.',
    )
    .optional(),
  dhcp: DhcpFile.optional(),
  peers: z
    .array(z.string({ error: 'an address such as "192.168.1.1"' }).meta({ pattern: IP_PATTERN }), {
      error: 'a list of at most 16 addresses',
    })
    .max(16, { error: 'a list of at most 16 addresses' })
    .describe(
      'Addresses that the host must still reach after the uplink has moved, besides its default gateways: the move is refused where one does not answer before, and undone where one does not answer after.',
    )
    .optional(),
  vlanFiltering: flag()
    .meta({
      description:
        'Keep VLANs apart on a Linux bridge (Open vSwitch always does). A NIC without "vlan" is then in VLAN 1, which is untagged on the uplink.',
      default: false,
    })
    .optional(),
  uplinkVlan: vlan()
    .describe(
      'Which VLANs the uplink carries. Default: VLAN 1 without a tag, and all others of the NICs on this bridge with theirs.',
    )
    .optional(),
  bridgeNetfilter: choice(['keep', 'off'])
    .meta({
      description:
        'Whether bridged frames pass the netfilter hooks of the host: "keep" leaves the setting alone, "off" switches them past it.',
      default: 'keep',
    })
    .optional(),
  mtu: int(68, 65535).describe('MTU in bytes. Default: that of the uplink, or 1500 without one.').optional(),
  stp: flag().meta({ description: 'Spanning tree protocol.', default: false }).optional(),
  forwardDelay: int(0, 30)
    .describe(
      'Seconds that a new port waits before it forwards. Default: 0, or 15 with stp, where the kernel wants 2 to 30.',
    )
    .optional(),
  multicastSnooping: flag().describe('IGMP and MLD snooping. Default: as the kernel has it.').optional(),
});
