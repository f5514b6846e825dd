import type { IpJson } from '../drivers/iproute2.js';

/** What an object has beyond the keys that vmnet can put into words again: nothing may be lost without a word. */
export function oddities(json: IpJson, known: readonly string[]): { odd?: readonly string[] } {
  const odd = Object.entries(json)
    .filter(([key]) => !known.includes(key))
    .map(([key, value]) => (typeof value === 'string' ? `${key} ${value}` : key));
  return odd.length > 0 ? { odd } : {};
}
