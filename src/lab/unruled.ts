import type { Nic } from './model.js';

/** Of a NIC whose port lets everything pass. */
export const UNRULED: Pick<Nic, 'isolated' | 'antiSpoof' | 'guard' | 'bandwidth' | 'impair'> = {
  isolated: false,
  antiSpoof: 'off',
  guard: [],
  bandwidth: { in: null, out: null },
  impair: null,
};
