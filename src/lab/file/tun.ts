import { z } from 'zod';
import { ACCOUNT_PATTERN, IP_PATTERN } from '../patterns.js';
import { cidr, cidrs, flag, int, objectAs } from './words.js';

const account = (what: string, example: string) =>
  z.union(
    [z.int().meta({ minimum: 0, maximum: 4294967294 }), z.string().meta({ pattern: ACCOUNT_PATTERN })],
    {
      error: `the name or number of a ${what} of the host, such as "${example}"`,
    },
  );

/** A layer-3 device for a program of the host. */
export const TunFile = objectAs('an object such as { "owner": "openvpn", "address": "10.8.0.1/24" }')({
  owner: account('user', 'openvpn')
    .describe('The user who may open the device without being root, by name or number.')
    .optional(),
  group: account('group', 'openvpn')
    .describe(
      'The group whose members may open it, by name or number. With both, it takes the owner as a member of the group.',
    )
    .optional(),
  address: z
    .union([cidr, cidrs()], {
      error: 'an address such as "10.8.0.1/24", or a list of such addresses',
    })
    .describe("The host's own addresses on the device, IPv4 and IPv6, with prefixes.")
    .optional(),
  peer: z
    .string({ error: 'an address such as "10.8.0.2"' })
    .meta({ pattern: IP_PATTERN })
    .describe(
      'The address of the other end, for a point-to-point link; the address of its family then has the prefix 32, or 128.',
    )
    .optional(),
  mtu: int(68, 65535).meta({ description: 'MTU in bytes.', default: 1500 }).optional(),
  multiQueue: flag()
    .meta({ description: 'The program opens it several times, once for each queue.', default: false })
    .optional(),
});
