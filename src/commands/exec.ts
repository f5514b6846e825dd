import { VmnetError } from '../errors.js';
import { readRecords } from '../host/records.js';
import type { Lab, Namespace } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { didYouMean } from '../lab/suggest.js';
import { byName } from './by-name.js';
import type { Context, Outcome } from './command.js';
import { isProgram, runInForeground } from './foreground.js';
import { resolveLab } from './resolve.js';

export interface ExecFlags {
  /** By file or name; without it the namespace is looked for in every lab that is provisioned. */
  readonly lab?: string;
}

/** Run a command in a namespace of a lab, with our own standard streams; its exit code becomes ours. */
export async function exec(
  name: string,
  words: readonly string[],
  { lab }: ExecFlags,
  context: Context,
): Promise<Outcome> {
  const { drivers, about } = context;
  const labs =
    lab === undefined
      ? (await readRecords(drivers)).map(record => record.lab)
      : [await resolveLab(lab, drivers)];
  const found = findNamespace(name, labs);
  about.lab = found.lab.name;
  const { netns } = found.namespace;
  if (!(await drivers.namespaces.exists(netns)))
    throw new VmnetError(
      'usage',
      `the network namespace ${netns} is not there`,
      `vmnet provision ${found.lab.file} makes it.`,
    );
  if (!(await drivers.kernel.mayAdminister()))
    throw new VmnetError(
      'permission',
      'to run something in a network namespace needs root',
      'sudo vmnet exec …',
    );
  const [program = ''] = words;
  if (!(await isProgram(program, drivers)))
    throw new VmnetError(
      'usage',
      `there is no program ${quote(program)}`,
      'Name one that is on the PATH, or its path.',
    );
  // ip-netns(8) also gives it a /sys, and files below /etc, of its own.
  const exitCode = await runInForeground(['ip', 'netns', 'exec', netns, ...words], context.json, 'iproute2');
  return { lab: found.lab.name, exitCode };
}

/** A namespace of these labs, by its name or as LAB/NAME. */
export function findNamespace(name: string, labs: readonly Lab[]): { lab: Lab; namespace: Namespace } {
  const all = new Map(
    labs.flatMap(lab =>
      lab.namespaces.map(namespace => [`${lab.name}/${namespace.name}`, { lab, namespace }] as const),
    ),
  );
  return byName('namespace', name, all, () => unknown(name, labs, [...all.keys()]));
}

function unknown(name: string, labs: readonly Lab[], known: readonly string[]): VmnetError {
  const vm = labs.find(lab => lab.vms.some(it => it.name === name));
  if (vm)
    return new VmnetError(
      'usage',
      `${quote(name)} is a VM of the lab ${vm.name}, and no namespace`,
      `vmnet ssh ${vm.name}/${name} logs in there, and vmnet console ${vm.name}/${name} shows its console.`,
    );
  const names = name.includes('/') ? known : known.map(it => it.split('/')[1] ?? it);
  const where = labs.length === 1 ? `the lab ${labs[0]?.name}` : 'any provisioned lab';
  return new VmnetError(
    'usage',
    `there is no namespace ${quote(name)} in ${where}`,
    known.length === 0
      ? 'No lab with namespaces is provisioned on this host.'
      : didYouMean(name, [...new Set(names)], 'There are:'),
  );
}
