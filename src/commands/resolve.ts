import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import { loadLab } from '../lab/load.js';
import type { Lab } from '../lab/model.js';
import { quote } from '../lab/quote.js';

/** A lab by its file or by the name under which it was provisioned. */
export async function resolveLab(labOrFile: string, drivers: Drivers): Promise<Lab> {
  const record = looksLikeFile(labOrFile) ? undefined : await findRecord(labOrFile, drivers);
  if (record) return record.lab;
  if (looksLikeFile(labOrFile) || (await drivers.kernel.exists(labOrFile)))
    return loadLab(labOrFile, { files: 'skip' });
  throw await unknownLab(labOrFile, drivers);
}

/** A lab's name; a file must be readable for that, a name need not be known. */
export async function resolveName(labOrFile: string): Promise<string> {
  if (!looksLikeFile(labOrFile) && /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(labOrFile)) return labOrFile;
  return (await loadLab(labOrFile, { files: 'skip' })).name;
}

const looksLikeFile = (text: string) => text.includes('/') || /\.jsonc?$/.test(text);

async function unknownLab(name: string, drivers: Drivers): Promise<VmnetError> {
  const names = (await drivers.records.all()).map(record => record.name);
  return new VmnetError(
    'usage',
    `there is no lab ${quote(name)}, and no file of that name`,
    names.length > 0 ? `Provisioned labs: ${names.join(', ')}.` : 'No lab has been provisioned on this host.',
  );
}
