import { z } from 'zod';
import { objectAs } from './words.js';

/** IEEE 802.1Q: 0 means no VLAN, 4095 is reserved. */
export const VIDS = { least: 1, most: 4094 } as const;

const ERROR = 'a VLAN as { "access": 10 }, or { "trunk": [10, 20], "native": 1 }';

const vid = () => {
  const error = `a whole number from ${VIDS.least} to ${VIDS.most}`;
  return z.int({ error }).min(VIDS.least, { error }).max(VIDS.most, { error });
};

/** Which VLANs a port carries. That `access` and `trunk` exclude each other is a rule: it can say more. */
export const vlan = () =>
  objectAs(ERROR)({
    access: vid().describe('The one VLAN, whose frames pass the port without a tag.').optional(),
    trunk: z
      .array(vid(), { error: 'a list of VLANs, such as [10, 20]' })
      .min(1, { error: 'a list of VLANs, such as [10, 20]' })
      .max(VIDS.most, { error: `a list of at most ${VIDS.most} VLANs` })
      .describe('The VLANs whose frames pass the port with their tag.')
      .optional(),
    native: vid()
      .describe('With "trunk": the VLAN of frames that have no tag. Default: such frames are dropped.')
      .optional(),
  });
