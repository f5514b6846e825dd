import type { RawLab } from './file.js';

type RawEnd = NonNullable<RawLab['links']>[number]['endpoints'][number];

/** An end of a link as the file has it, in its long form. */
export type WrittenEnd = Exclude<RawEnd, string>;

/** `a:eth1` is short for an end without an address of its own. */
export function readEnd(end: RawEnd): WrittenEnd {
  if (typeof end !== 'string') return end;
  const [namespace = '', ...name] = end.split(':');
  return { namespace, name: name.join(':') };
}
