import { z } from 'zod';
import { DURATION_PATTERN, PERCENT_PATTERN, RATE_PATTERN } from '../patterns.js';
import { choice, flag, object } from './words.js';

const measure = (error: string, pattern: string) => z.string({ error }).meta({ pattern });

const rate = () => measure('a rate such as "100mbit" or "1gbit"', RATE_PATTERN);
const duration = () => measure('a time such as "50ms" or "1.5s"', DURATION_PATTERN);
const percent = () => measure('a share such as "1%" or "0.5%"', PERCENT_PATTERN);

export const GUARDS = ['dhcp', 'ra', 'bpdu'] as const;
const guards = 'a list of some of "dhcp", "ra" and "bpdu"';

/** What holds at the bridge's port of a NIC, whatever the guest does. */
export const portKeys = {
  isolated: flag()
    .meta({
      description: 'Isolated ports of a bridge cannot reach each other, only its other ports.',
      default: false,
    })
    .optional(),
  antiSpoof: choice(['off', 'mac', 'ip'])
    .meta({
      description:
        '"mac" drops what the guest sends by another MAC than its own; "ip" also what it sends from, or claims to have, an address that is not in "address".',
      default: 'off',
    })
    .optional(),
  guard: z
    .array(choice(GUARDS), { error: guards })
    .describe(
      'What the guest may not send: "dhcp" answers of a DHCP server, "ra" advertisements and redirects of an IPv6 router, "bpdu" messages of the spanning tree.',
    )
    .optional(),
  bandwidth: object({
    in: rate().describe('To the guest: more is queued for a tenth of a second, then dropped.').optional(),
    out: rate().describe('From the guest: more is dropped.').optional(),
  })
    .describe('How much may pass at most, such as { "in": "100mbit", "out": "10mbit" }.')
    .optional(),
  impair: object({
    delay: duration().describe('Each frame waits so long.').optional(),
    jitter: duration().describe('How much longer or shorter than "delay" it may be.').optional(),
    loss: percent().describe('Frames that are lost.').optional(),
    corrupt: percent().describe('Frames in which a bit is turned over.').optional(),
    reorder: percent()
      .describe('Frames that overtake those before: they do not wait for "delay".')
      .optional(),
    rate: rate().describe('As a line of this rate would, it takes its time for each byte.').optional(),
  })
    .describe(
      'A bad line to the guest, such as { "delay": "50ms", "loss": "1%" }; needs netem in the kernel.',
    )
    .optional(),
};
