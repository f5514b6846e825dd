import { z } from 'zod';
import { objectAs } from './words.js';

/** Names as `vagrant box list` shows them: `debian/bookworm64`, or one of a box that was added from a file. */
const BOX = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/;

const EXPECTED = 'the name of a box, such as "debian/bookworm64"';

/** What `vagrant/vmnet.rb` reads; vmnet itself has no use for it. */
export const VagrantFile = objectAs('an object such as { "box": "debian/bookworm64" }')({
  box: z
    .string({ error: EXPECTED })
    .max(255, { error: EXPECTED })
    .regex(BOX, { error: EXPECTED })
    .describe('The box, by the name that `vagrant box list` shows.')
    .optional(),
});
