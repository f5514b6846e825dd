import type { LabRecord } from '../host/model.js';
import type { Context } from './command.js';
import { isEnabled } from './enable.js';

/** What a reboot has left of each lab that was provisioned before it, in words; nothing of it is replayed. */
export async function afterReboot(
  records: readonly LabRecord[],
  { drivers }: Context,
): Promise<{ lab: string; note: string }[]> {
  const bootId = await drivers.kernel.bootId();
  const older = records.filter(record => record.bootId !== bootId);
  return Promise.all(
    older.map(async ({ name, lab, networkOnly }) => {
      const guests = networkOnly || lab.vms.length === 0 ? '' : '; its domains are still defined';
      const back = (await isEnabled(name, drivers))
        ? `It was to come back at boot: journalctl -b -u vmnet-lab-${name} tells why it did not.`
        : `vmnet provision ${lab.file} brings it back; vmnet enable ${name} has that done at every boot.`;
      return {
        lab: name,
        note: `${name}: the host was rebooted since, and its network plane is gone${guests}. ${back}`,
      };
    }),
  );
}
