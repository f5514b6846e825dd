import type { Drivers } from '../drivers/drivers.js';
import type { Link, Renewer } from './model.js';

/**
 * Those of the interfaces that a manager looks after, as a look at each one tells, null for one that is let be; none
 * where managers may not be asked by their own commands.
 */
export async function lookedAfter(
  devices: readonly string[],
  links: readonly Link[],
  { kernel }: Drivers,
  look: (link: Link) => Promise<Renewer | null>,
): Promise<Renewer[]> {
  const wanted = links.filter(({ name }) => devices.includes(name));
  if (wanted.length === 0 || !(await kernel.hasSystemd())) return [];
  return (await Promise.all(wanted.map(look))).filter(renewer => renewer !== null);
}
