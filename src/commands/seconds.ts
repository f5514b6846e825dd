import { VmnetError } from '../errors.js';

/** A flag that takes whole seconds from `least` to `most`; 0 too where `orZero`. */
export function wholeSeconds(
  flag: string,
  value: string,
  least: number,
  most: number,
  orZero = false,
): number {
  const seconds = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if ((seconds >= least && seconds <= most) || (orZero && seconds === 0)) return seconds;
  throw new VmnetError(
    'usage',
    `${flag} takes whole seconds${orZero ? ', 0 or' : ''} from ${least} to ${most}, not ${JSON.stringify(value)}`,
  );
}
