import { z } from 'zod';
import { CIDR_PATTERN, IFNAME_PATTERN, INDEXED_CIDR_PATTERN } from '../patterns.js';

/**
 * The lab file as people write it. Each `error` says what is expected there, so that shape.ts can say
 * "expected …, found …". Names, MACs and addresses are plain strings here (the patterns only reach the JSON Schema):
 * rules/ look at them, because it can say much more than "does not match".
 */
export const objectAs =
  (error: string) =>
  <T extends z.ZodRawShape>(shape: T) =>
    z.strictObject(shape, { error });

export const object = objectAs('an object { … }');

export const int = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const flag = () => z.boolean({ error: 'true or false' });
export const text = (error: string) => z.string({ error }).min(1, { error });

export const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map(value => `"${value}"`).join(', ')}` });

export const cidr = z
  .string({ error: 'an address with prefix, such as "192.168.1.50/24"' })
  .meta({ pattern: CIDR_PATTERN });

export const guestCidr = cidr.meta({ pattern: INDEXED_CIDR_PATTERN });

export const cidrs = (of: typeof cidr = cidr) => {
  const error = 'a list of at most 64 addresses';
  return z.array(of, { error }).max(64, { error });
};

export const ifname = (error: string, pattern: string = IFNAME_PATTERN) =>
  z.string({ error }).meta({ pattern });

export const path = (what: string) => text(`the path of ${what}`);

/** A map keyed by name. */
export const byName = <T extends z.ZodType>(pattern: string, value: T, what: string) =>
  z.record(z.string().meta({ pattern }), value, { error: `an object with one entry for each ${what}` });
