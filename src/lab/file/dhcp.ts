import { z } from 'zod';
import { DOMAIN_PATTERN, IPV4_PATTERN, LEASE_TIME_PATTERN } from '../patterns.js';
import { flag, objectAs } from './words.js';

const ipv4 = (error: string) => z.string({ error }).meta({ pattern: IPV4_PATTERN });

const RANGE = 'the first and the last address, such as ["10.1.0.100", "10.1.0.199"]';
const RESOLVERS = 'a list of one to three IPv4 addresses, such as ["9.9.9.9"]';

const settings = objectAs('an object such as { "leaseTime": "1h" }')({
  range: z
    .array(ipv4('an address such as "10.1.0.100"'), { error: RANGE })
    .length(2, { error: RANGE })
    .describe(
      'First and last IPv4 address for guests that have none of their own in the lab. Default: .100 to .199, in a subnet smaller than /24 its upper half.',
    )
    .optional(),
  leaseTime: z
    .string({ error: 'a time such as "1h"' })
    .meta({
      description: 'How long a lease lasts: a number with "m", "h" or "d".',
      pattern: LEASE_TIME_PATTERN,
      default: '1h',
    })
    .optional(),
  dns: z
    .array(ipv4('an address such as "9.9.9.9"'), { error: RESOLVERS })
    .min(1, { error: RESOLVERS })
    .max(3, { error: RESOLVERS })
    .describe(
      'Resolvers that guests are told of. Default: the bridge itself, where the names of the lab are known; other names are asked of the resolvers of the host, not so on an isolated bridge.',
    )
    .optional(),
  domain: z
    .string({ error: 'a domain such as "lab.test"' })
    .meta({ pattern: DOMAIN_PATTERN })
    .describe('Domain of the VMs: "web" is "web.DOMAIN". Default: the name of the lab, under "test".')
    .optional(),
});

export const DhcpFile = z
  .union([flag(), settings], { error: 'true, false, or an object such as { "leaseTime": "1h" }' })
  .describe(
    'DHCP and DNS for the guests, by a dnsmasq on this bridge alone: VMs with an address in the lab get that one, the others one of a range. Default: true with mode "nat", else false.',
  );
