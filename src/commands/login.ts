import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import { loadLab } from '../lab/load.js';
import type { Lab, Vm } from '../lab/model.js';
import { isOneOf, userDataOf, userOf } from '../where/login.js';
import { accountOf } from './account.js';

/** As whom to log in to a VM; null where nobody can tell. A record keeps no user data: that is in the lab's file, if it is still there. */
export async function guessUser({ file }: Lab, vm: Vm): Promise<string | null> {
  if (!vm.cloudInit?.userData) return userOf(vm, null);
  // Without its images, too, but then a file of user data is not read either.
  const lab = await loadLab(file)
    .catch(() => loadLab(file, { files: 'skip' }))
    .catch(() => null);
  return userOf(vm, lab && userDataOf(lab, vm.name));
}

/** The private key of one of the public ones that the lab puts into the VM, of whoever called us by sudo too; null where there is none. */
export async function keyFor(vm: Vm, { files }: Drivers): Promise<string | null> {
  const keys = vm.cloudInit?.sshKeys ?? [];
  if (keys.length === 0) return null;
  const own = (await accountOf(process.env.SUDO_USER, files))?.home;
  for (const home of new Set(own === undefined ? [homedir()] : [own, homedir()])) {
    for (const pub of await files.list(join(home, '.ssh'))) {
      if (!pub.endsWith('.pub') || !isOneOf((await files.read(pub)) ?? '', keys)) continue;
      const key = pub.slice(0, -'.pub'.length);
      if ((await files.read(key)) !== null) return key;
    }
  }
  return null;
}
