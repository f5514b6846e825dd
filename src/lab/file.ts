import { z } from 'zod';
import { BridgeFile } from './file/bridge.js';
import { LinkFile } from './file/link.js';
import { NamespaceFile } from './file/namespace.js';
import { nicKeys } from './file/nic.js';
import { GroupFile, VmFile, vmKeys } from './file/vm.js';
import { byName, object } from './file/words.js';
import { IFNAME_PATTERN, INDEXED_VM_PATTERN, LAB_PATTERN, VM_PATTERN } from './patterns.js';

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
  bridges: byName(IFNAME_PATTERN, BridgeFile, 'bridge, such as { "br0": {} }')
    .describe('The bridges, by interface name. May be left out where there are links.')
    .optional(),
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
  namespaces: byName(VM_PATTERN, NamespaceFile, 'network namespace, such as { "client": { "nics": [ … ] } }')
    .describe('Network namespaces as endpoints, by name.')
    .optional(),
  links: z
    .array(LinkFile, { error: 'a list of links, such as [ { "endpoints": [ "a:eth1", "b:eth1" ] } ]' })
    .max(1024, { error: 'a list of at most 1024 links' })
    .describe('Direct links (veth pairs) between two namespaces, or between one and the host.')
    .optional(),
});

export type RawLab = z.infer<typeof LabFile>;

/** The JSON Schema of the lab file (draft 2020-12), for `vmnet schema` and editors. */
export function labJsonSchema(): Record<string, unknown> {
  return { title: 'vmnet lab, version 1', ...z.toJSONSchema(LabFile, { io: 'input' }) };
}
