import { z } from 'zod';
import { IP_PATTERN } from '../patterns.js';
import { objectAs, path, text } from './words.js';

const USER_DATA =
  'a text that begins with "#cloud-config" or "#!", an object of cloud-config, or { "file": "user-data.yaml" }';

/** Any object: cloud-init knows what belongs into it. The key `file` alone is ours. */
const userData = z.union(
  [
    text(USER_DATA),
    objectAs(USER_DATA)({
      file: path('a file with user data').describe(
        'Path of a file with user data, relative to the lab file.',
      ),
    }),
    z.record(z.string(), z.unknown(), { error: USER_DATA }),
  ],
  { error: USER_DATA },
);

const KEYS = 'a list of public keys, such as "ssh-ed25519 AAAA… you@example"';
const SERVERS = 'a list of at most 8 addresses, such as [ "192.168.1.1" ]';

export const CloudInitFile = objectAs('an object such as { "sshKeys": [ … ] }')({
  hostname: text('a host name such as "web"')
    .describe('Host name of the guest. Default: the name of the VM. With a "count" it needs "{index}".')
    .optional(),
  sshKeys: z
    .array(text('a public key such as "ssh-ed25519 AAAA… you@example"'), { error: KEYS })
    .max(64, { error: KEYS })
    .describe("Public keys that may log in as the image's default user.")
    .optional(),
  userData: userData
    .describe('User data: cloud-config, which ours is merged with, or a script that runs once.')
    .optional(),
  dns: z
    .array(z.string({ error: 'an address such as "192.168.1.1"' }).meta({ pattern: IP_PATTERN }), {
      error: SERVERS,
    })
    .max(8, { error: SERVERS })
    .describe('Addresses of DNS servers.')
    .optional(),
});
