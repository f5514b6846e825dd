import type { Nic, Offload } from './model.js';

export const OFFLOADS: readonly Offload[] = ['csum', 'gso', 'tso', 'ecn', 'ufo', 'mrgRxbuf'];

/** No work is handed over; buffers are none. */
export const NO_OFFLOADS: NonNullable<Nic['offloads']> = {
  csum: false,
  gso: false,
  tso: false,
  ecn: false,
  ufo: false,
};
