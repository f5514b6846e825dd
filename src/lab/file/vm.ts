import { z } from 'zod';
import { LIBVIRT_NAME_PATTERN, MEMORY_PATTERN } from '../patterns.js';
import { CloudInitFile } from './cloud-init.js';
import { DiskFile, imageKeys } from './disk.js';
import { NicFile, nicKeys } from './nic.js';
import { dependsOn, orderKeys } from './order.js';
import { VagrantFile } from './vagrant.js';
import { choice, flag, int, object, objectAs, path } from './words.js';

const boot = z.union(
  [
    z.literal('probe'),
    object({
      probe: object({
        forward: flag()
          .meta({ description: 'Forward between its NICs, as a router does.', default: false })
          .optional(),
      }).describe('The small guest that vmnet builds itself, with settings.'),
    }),
    object({
      kernel: path('a kernel image').describe('Path of the kernel, relative to the lab file.'),
      initrd: path('an initial RAM disk')
        .describe('Path of the initial RAM disk, relative to the lab file.')
        .optional(),
      cmdline: z.string({ error: 'a text' }).describe('The kernel command line.').optional(),
    }),
    object(imageKeys),
    object({
      domainXml: path('a file of libvirt domain XML').describe(
        "Path of a domain's XML, relative to the lab file. vmnet adds the network cards; name and UUID come from the lab, and all else stays as it is there.",
      ),
    }),
  ],
  {
    error:
      '"probe", { "probe": { "forward": true } }, { "kernel": …, "initrd": …, "cmdline": … }, { "image": … } or { "domainXml": … }',
  },
);

const DISKS = 'a list of at most 16 disks, such as [ { "size": "10GiB" } ]';

export const vmKeys = {
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
  firmware: choice(['bios', 'uefi'])
    .meta({
      description: 'What starts the boot loader of an image; with "uefi" each VM has variables of its own.',
      default: 'bios',
    })
    .optional(),
  disks: z
    .array(DiskFile, { error: DISKS })
    .max(16, { error: DISKS })
    .describe('Disks beside the one that is booted, in the order in which the guest sees them.')
    .optional(),
  keepDisk: flag()
    .meta({ description: "The VM's disks outlive it: destroy leaves them.", default: false })
    .optional(),
  cloudInit: CloudInitFile.describe(
    'What cloud-init in the guest is told: host name, keys, user data, and the addresses of its NICs by MAC.',
  ).optional(),
  ...orderKeys,
};

/** Copies share their bridges, and the kernel's BR_MAX_PORTS is 1024, of which port 0 is not used. */
const MOST_COPIES = 1023;

export const VmFile = objectAs('an object such as { "boot": "probe", "nics": [ … ] }')({
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
  domain: z
    .string({ error: 'the name of a libvirt domain, such as "my-db"' })
    .meta({ pattern: LIBVIRT_NAME_PATTERN })
    .describe(
      'A libvirt domain that is there already: it gets the NICs, running or not, and nothing else of it is changed. virsh list --all shows them.',
    )
    .optional(),
  dependsOn,
  vagrant: VagrantFile.describe(
    'Settings for the machine that Vagrant makes of this VM; such a VM needs no "boot".',
  ).optional(),
  nics: z
    .array(NicFile, { error: 'a list of at least one NIC, such as [ { "bridge": "br0" } ]' })
    .min(1, { error: 'a list of at least one NIC, such as [ { "bridge": "br0" } ]' })
    .describe('The network cards of the VM, in order.'),
});

export const GroupFile = objectAs('an object such as { "memory": "1GiB" }')({
  ...vmKeys,
  dependsOn,
  nic: object(nicKeys).describe('For every NIC of the group that does not say otherwise.').optional(),
});
