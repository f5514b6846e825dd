import { availableParallelism } from 'node:os';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { InsideWork, NamespaceRef } from '../plan/model.js';

/** Namespaces that are worked in at the same time; a batch inside is mostly the start of a process. */
const AT_ONCE = 2 * availableParallelism();

/** Carry out what is to be done inside namespaces, as many at once as are worth it: one `ip -batch` in each. */
export async function workInside(
  work: readonly InsideWork[],
  drivers: Drivers,
  undoing: boolean,
): Promise<void> {
  const waiting = byNamespace(work);
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next && failures.length === 0; next = waiting.shift())
      await workIn(next, drivers, undoing).catch(error => failures.push(error));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failures.length > 0) throw failures[0];
}

async function workIn({ namespace, sysctls, lines }: InsideWork, drivers: Drivers, undoing: boolean) {
  const { namespaces, ip } = drivers;
  // Going back, the namespace may be gone, and that is well.
  if (undoing && !(await namespaces.exists(namespace))) return;
  try {
    await namespaces.writeSysctls(namespace, sysctls);
    await ip.batch(lines, { enter: namespaces.enter(namespace), force: undoing });
  } catch (error) {
    if (!(error instanceof VmnetError) || error.message.includes(namespace)) throw error;
    throw new VmnetError(
      error.code,
      `in the network namespace ${namespace}: ${error.message}`,
      error.hint,
      error,
    );
  }
}

/** Everything for one namespace together, in order. */
function byNamespace(work: readonly InsideWork[]): InsideWork[] {
  const found = new Map<string, InsideWork>();
  for (const { namespace, sysctls, lines } of work) {
    const before = found.get(namespace);
    found.set(namespace, {
      namespace,
      sysctls: [...(before?.sysctls ?? []), ...sysctls],
      lines: [...(before?.lines ?? []), ...lines],
    });
  }
  return [...found.values()];
}

/** Look at the marks again, and delete the names of those that bear ours; one that we had just made need not have it yet. */
export async function deleteNamespaces(
  refs: readonly NamespaceRef[],
  folder: boolean,
  drivers: Drivers,
  undoing: boolean,
): Promise<void> {
  const marks = new Set(refs.map(({ mark }) => mark));
  const seen = await drivers.namespaces.look({
    isOurs: altnames => altnames.some(altname => altname.startsWith('vmnet.')),
    sysctls: () => [],
  });
  const isOurs = ({ name, mark, created }: NamespaceRef) => {
    const there = seen.find(namespace => namespace.name === name);
    if (there === undefined) return false;
    const altnames = there.links.flatMap(link => (link.ifname === 'lo' ? (link.altnames as string[]) : []));
    return altnames.includes(mark) || (created && !altnames.some(altname => !marks.has(altname)));
  };
  const lines = refs.filter(isOurs).map(({ name }) => `netns del ${name}`);
  await drivers.ip.batch(lines, { force: undoing });
  if (folder) await drivers.namespaces.removeFolder();
}
