import type { Macvtap, Nic } from './model.js';

/** A NIC that is a macvtap, with what it hangs on. */
export type MacvtapNic = Nic & { readonly macvtap: Macvtap };

export const macvtapNics = (nics: readonly Nic[]): MacvtapNic[] =>
  nics.filter((nic): nic is MacvtapNic => nic.macvtap !== undefined);
