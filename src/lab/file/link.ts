import { z } from 'zod';
import { END_PATTERN, IFNAME_PATTERN, VM_PATTERN } from '../patterns.js';
import { innerKeys } from './namespace.js';
import { ifname, int, objectAs } from './words.js';

const end = z.union(
  [
    z.string().meta({ pattern: END_PATTERN }),
    objectAs('an object such as { "namespace": "a", "name": "eth1" }')({
      namespace: z
        .string({ error: 'the name of one of the namespaces of this lab, or "host"' })
        .meta({ pattern: VM_PATTERN })
        .describe('The namespace, by its name in "namespaces"; "host" is the host itself.'),
      name: ifname('a name for the interface there, at most 15 characters', IFNAME_PATTERN).describe(
        'Name of the interface there.',
      ),
      ...innerKeys,
    }),
  ],
  { error: '"NAMESPACE:INTERFACE", such as "a:eth1", or { "namespace": "a", "name": "eth1", "address": … }' },
);

const TWO = 'a list of exactly two ends, such as [ "a:eth1", "b:eth1" ]';

export const LinkFile = objectAs('an object such as { "endpoints": [ "a:eth1", "b:eth1" ] }')({
  endpoints: z
    .array(end, { error: TWO })
    .min(2, { error: TWO })
    .max(2, { error: TWO })
    .describe('Its two ends, each as "NAMESPACE:INTERFACE" or as an object that also gives an address.'),
  mtu: int(68, 65535).meta({ description: 'MTU in bytes, of both ends.', default: 1500 }).optional(),
});
