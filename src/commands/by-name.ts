import { VmnetError } from '../errors.js';
import { quote } from '../lab/quote.js';

/**
 * What a person names: by its name alone, where no other lab has one of that name, or as LAB/NAME.
 * @param kind as in "VM"
 * @param all all that there are, by LAB/NAME
 * @param unknown what to say where none is called so
 * @throws {VmnetError} `usage` where none is called so, or several are
 */
export function byName<Found>(
  kind: string,
  name: string,
  all: ReadonlyMap<string, Found>,
  unknown: () => VmnetError,
): Found {
  const found = [...all].filter(([full]) => full === name || full.endsWith(`/${name}`));
  const [first] = found;
  if (first === undefined) throw unknown();
  if (found.length > 1)
    throw new VmnetError(
      'usage',
      `${found.length} labs have a ${kind} ${quote(name)}`,
      `Say which: ${found.map(([full]) => full).join(', ')}.`,
    );
  return first[1];
}
