import { z } from 'zod';
import {
  CIDR_PATTERN,
  IFNAME_PATTERN,
  INDEXED_CIDR_PATTERN,
  INDEXED_IFNAME_PATTERN,
  INDEXED_VM_PATTERN,
  IP_PATTERN,
  LAB_PATTERN,
  MAC_PATTERN,
  MEMORY_PATTERN,
  VM_PATTERN,
} from './patterns.js';

/**
 * The lab file as people write it. Each `error` says what is expected there, so that shape.ts can say
 * "expected …, found …". Names, MACs and addresses are plain strings here (the patterns only reach the JSON Schema):
 * rules.ts looks at them, because it can say much more than "does not match".
 */
const objectAs =
  (error: string) =>
  <T extends z.ZodRawShape>(shape: T) =>
    z.strictObject(shape, { error });

const object = objectAs('an object { … }');

const int = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const flag = () => z.boolean({ error: 'true or false' });
const text = (error: string) => z.string({ error }).min(1, { error });

const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map(value => `"${value}"`).join(', ')}` });

const cidr = z
  .string({ error: 'an address with prefix, such as "192.168.1.50/24"' })
  .meta({ pattern: CIDR_PATTERN });

const guestCidr = cidr.meta({ pattern: INDEXED_CIDR_PATTERN });

const cidrs = (of: typeof cidr = cidr) => {
  const error = 'a list of at most 64 addresses';
  return z.array(of, { error }).max(64, { error });
};

const ifname = (error: string, pattern: string = IFNAME_PATTERN) => z.string({ error }).meta({ pattern });

const path = (what: string) => text(`the path of ${what}`);

const BridgeFile = objectAs('an object such as { "uplink": "eth0" }')({
  uplink: ifname('the name of a network interface, such as "eth0"')
    .describe(
      'The physical interface that becomes a port of the bridge. Leave it out for a bridge of its own.',
    )
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
      [z.enum(['inherit', 'none']), cidr, cidrs().min(1, { error: '"none", or at least one address' })],
      {
        error: '"inherit", "none", an address such as "192.168.1.1/24", or a list of such addresses',
      },
    )
    .describe(
      'Where the bridge gets its own addresses: "inherit" moves those of the uplink with their routes, "none" gives it none, or give addresses with prefixes. Default: "inherit" with an uplink, else "none"; a permanent bridge keeps its own.',
    )
    .optional(),
  peers: z
    .array(z.string({ error: 'an address such as "192.168.1.1"' }).meta({ pattern: IP_PATTERN }), {
      error: 'a list of at most 16 addresses',
    })
    .max(16, { error: 'a list of at most 16 addresses' })
    .describe(
      'Addresses that the host must still reach after the uplink has moved, besides its default gateways: the move is refused where one does not answer before, and undone where one does not answer after.',
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

const boot = z.union(
  [
    z.literal('probe'),
    object({
      kernel: path('a kernel image').describe('Path of the kernel, relative to the lab file.'),
      initrd: path('an initial RAM disk')
        .describe('Path of the initial RAM disk, relative to the lab file.')
        .optional(),
      cmdline: z.string({ error: 'a text' }).describe('The kernel command line.').optional(),
    }),
    object({
      image: path('a disk image').describe(
        'Path of a disk image, relative to the lab file. It is not written to: the VM gets a copy-on-write overlay.',
      ),
    }),
  ],
  { error: '"probe", { "kernel": …, "initrd": …, "cmdline": … } or { "image": … }' },
);

const vmKeys = {
  boot: boot.describe('What the VM boots: "probe" is the small guest that vmnet builds itself.').optional(),
  memory: z
    .union([z.int().meta({ minimum: 16, maximum: 16777216 }), z.string().meta({ pattern: MEMORY_PATTERN })], {
      error: 'a size such as "512MiB" or "1GiB", or a whole number of MiB',
    })
    .describe('Memory, such as "512MiB" or "1GiB"; a number is MiB. Default: 512MiB, 128MiB for a probe.')
    .optional(),
  vcpus: int(1, 512).meta({ description: 'Number of virtual CPUs.', default: 1 }).optional(),
  accel: choice(['auto', 'kvm', 'tcg'])
    .meta({
      description: '"auto" uses KVM where it is proven to work; "kvm" and "tcg" (emulation) force one.',
      default: 'auto',
    })
    .optional(),
};

const nicKeys = {
  model: choice(['virtio', 'e1000e', 'rtl8139'])
    .meta({ description: 'The network card that the guest sees.', default: 'virtio' })
    .optional(),
  queues: int(1, 256)
    .meta({ description: 'Queue pairs; more than 1 only with virtio.', default: 1 })
    .optional(),
  // The kernel's tun driver takes 65535 less the 14 bytes of the Ethernet header.
  mtu: int(68, 65521).describe('MTU in bytes. Default: that of the bridge.').optional(),
};

const NicFile = objectAs('an object such as { "bridge": "br0" }')({
  bridge: z
    .string({ error: 'the name of one of the bridges of this lab' })
    .describe('The bridge, by its name in "bridges".'),
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
  address: z
    .union([guestCidr, cidrs(guestCidr)], {
      error: 'an address such as "192.168.1.50/24", or a list of such addresses',
    })
    .describe(
      'The addresses that the guest is meant to have, IPv4 and IPv6, with prefixes. With a "count" each needs "{index}".',
    )
    .optional(),
});

/** Copies share their bridges, and the kernel's BR_MAX_PORTS is 1024, of which port 0 is not used. */
const MOST_COPIES = 1023;

const VmFile = objectAs('an object such as { "boot": "probe", "nics": [ … ] }')({
  group: z
    .string({ error: 'the name of one of the groups of this lab' })
    .describe('The group, by its name in "groups", whose values this VM takes where it has none of its own.')
    .optional(),
  count: int(1, MOST_COPIES)
    .describe(
      'How many of this VM there are. In its name, its taps and its addresses "{index}" stands for the number of each, from 1.',
    )
    .optional(),
  ...vmKeys,
  nics: z
    .array(NicFile, { error: 'a list of at least one NIC, such as [ { "bridge": "br0" } ]' })
    .min(1, { error: 'a list of at least one NIC, such as [ { "bridge": "br0" } ]' })
    .describe('The network cards of the VM, in order.'),
});

const GroupFile = objectAs('an object such as { "memory": "1GiB" }')({
  ...vmKeys,
  nic: object(nicKeys).describe('For every NIC of the group that does not say otherwise.').optional(),
});

const byName = <T extends z.ZodType>(pattern: string, value: T, what: string) =>
  z.record(z.string().meta({ pattern }), value, { error: `an object with one entry for each ${what}` });

/** The whole file, version 1. */
export const LabFile = object({
  $schema: z
    .string({ error: 'a text' })
    .describe('Where the JSON Schema of this file is; for editors.')
    .optional(),
  version: z.literal(1, { error: '1' }).describe('Version of the lab file format.'),
  name: z
    .string({ error: 'a name for the lab, such as "homelab"' })
    .meta({ description: 'Name of the lab, unique on the host.', pattern: LAB_PATTERN }),
  bridges: byName(IFNAME_PATTERN, BridgeFile, 'bridge, such as { "br0": {} }').describe(
    'The bridges, by interface name.',
  ),
  defaults: object({
    vm: object(vmKeys).describe('For every VM that does not say otherwise.').optional(),
    nic: object(nicKeys).describe('For every NIC that does not say otherwise.').optional(),
  })
    .describe('Values for VMs and NICs that do not set their own.')
    .optional(),
  groups: byName(VM_PATTERN, GroupFile, 'group, such as { "workers": { "memory": "1GiB" } }')
    .describe(
      'Values that several VMs share, by the name of the group. They come before "defaults", and after what a VM or NIC says itself.',
    )
    .optional(),
  vms: byName(INDEXED_VM_PATTERN, VmFile, 'VM, such as { "web": { … } }')
    .describe('The VMs, by name; with a "count" the name has "{index}" in it, such as "worker-{index}".')
    .optional(),
});

export type RawLab = z.infer<typeof LabFile>;

/** The JSON Schema of the lab file (draft 2020-12), for `vmnet schema` and editors. */
export function labJsonSchema(): Record<string, unknown> {
  return { title: 'vmnet lab, version 1', ...z.toJSONSchema(LabFile, { io: 'input' }) };
}
