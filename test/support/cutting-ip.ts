import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Box } from './box.js';

/** An `ip` that fails, or ends vmnet, at a line of a batch. */
const FOLDER = fileURLToPath(new URL('../fixtures/bin', import.meta.url));

let serial = 0;

/** Environment in which that `ip` kills vmnet after a line of a batch, both counted from 0. */
export const killedAt = (box: Box, batch: number, line: number) => ({
  PATH: `${FOLDER}:${process.env.PATH}`,
  CUT_COUNTER: join(box.folder, `count-${serial++}`),
  CUT_BATCH: String(batch + 1),
  CUT_LINE: String(line),
  CUT_KILL: 'yes',
});
