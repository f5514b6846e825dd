import { z } from 'zod';
import { INDEXED_VM_PATTERN, READY_PATTERN, READY_TIMEOUT_PATTERN } from '../patterns.js';
import { flag } from './words.js';

const NAMES = 'a list of at most 64 names of VMs, such as ["db"]';
const SECONDS = 'a time such as "90s" or "5m", or a whole number of seconds from 1 to 86400';

/** Not for the defaults: a VM that all others depend on would depend on itself. */
export const dependsOn = z
  .array(z.string({ error: 'the name of a VM of this lab' }).meta({ pattern: INDEXED_VM_PATTERN }), {
    error: NAMES,
  })
  .max(64, { error: NAMES })
  .describe(
    'VMs that are ready before this one starts. The name of a VM with a "count" stands for all of them; in one with a "count", "{index}" stands for its own number.',
  )
  .optional();

export const orderKeys = {
  ready: z
    .string({ error: 'one of "none", "up", "address", "ssh", "agent", or "tcp:PORT"' })
    .meta({
      description:
        'When others may count on this VM: "none": it is started; "up": its console says so, or a first frame came from it; "address": it has shown an address; "ssh", "tcp:PORT": it answers there; "agent": its QEMU guest agent answers. Default: "up" for a probe, else "none".',
      pattern: READY_PATTERN,
    })
    .optional(),
  readyTimeout: z
    .union(
      [z.int().meta({ minimum: 1, maximum: 86_400 }), z.string().meta({ pattern: READY_TIMEOUT_PATTERN })],
      {
        error: SECONDS,
      },
    )
    .describe(
      'How long that may take, such as "90s"; a number is seconds. Default: 120s for a probe, else 300s.',
    )
    .optional(),
  autostart: flag()
    .describe(
      'libvirt starts it with the host, after "vmnet enable". Default: nothing is changed about that.',
    )
    .optional(),
};
