import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { Action } from '../plan/model.js';

/** What libvirt refuses in a file of the user's, the user can mend there. */
export async function define(
  { name, xml, from }: Extract<Action, { kind: 'define' }>,
  drivers: Drivers,
): Promise<void> {
  try {
    await (await drivers.libvirt()).defineDomain(xml);
  } catch (error) {
    if (from === undefined || !(error instanceof VmnetError)) throw error;
    throw new VmnetError(
      error.code,
      error.message,
      `${name} is what ${from} says: correct it there ("virt-xml-validate FILE domain" tells where it is no domain XML).`,
      error,
    );
  }
}
