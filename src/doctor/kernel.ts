import type { ThrowAwayNamespace } from '../drivers/namespace.js';
import { loadOrder } from '../guest/kernel.js';
import { type Ability, ATTEMPTS, type Attempt, needsTap } from './attempts.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export async function lookAtKernel({ drivers }: Ground): Promise<Finding[]> {
  const release = await drivers.kernel.release();
  // A missing device or program is told elsewhere, and says nothing of the kernel.
  const tun = (await drivers.inspect.device('/dev/net/tun')).error === null;
  const attempts = ATTEMPTS.filter(attempt => tun || !needsTap(attempt));
  const loadable = await modulesToLoad(release, drivers);
  const tried = attempts.filter(({ modules }) => !modules.some(name => loadable.has(name)));
  const namespace = await drivers.namespace();
  try {
    const good = new Map<Attempt, boolean>();
    for (const by of ['ip', 'tc', 'nft'] as const) {
      const own = tried.filter(attempt => attempt.by === by);
      const results = await (by === 'nft'
        ? oneByOne(own, namespace, drivers)
        : asBatch(by, own, namespace, drivers));
      for (const [i, attempt] of own.entries()) {
        const result = results?.[i];
        if (result !== undefined) good.set(attempt, result);
      }
    }
    const known = attempts.filter(attempt => good.has(attempt) || !tried.includes(attempt));
    const ability = (attempt: Attempt): Ability =>
      tried.includes(attempt) ? (good.get(attempt) ? 'yes' : 'no') : 'module';
    return judgeKernel(
      known.map(attempt => ({ ...attempt, ability: ability(attempt) })),
      release,
    );
  } finally {
    await namespace.close();
  }
}

/** Those that are there as a module, and are not loaded. */
async function modulesToLoad(release: string, { files, kernel }: Ground['drivers']): Promise<Set<string>> {
  const dep = (await files.read(`/lib/modules/${release}/modules.dep`)) ?? '';
  const names = new Set(ATTEMPTS.flatMap(({ modules }) => modules));
  const loadable = new Set<string>();
  for (const name of names)
    if (loadOrder(dep, [name]).length > 0 && !(await kernel.exists(`/sys/module/${name}`)))
      loadable.add(name);
  return loadable;
}

/** What nsenter and shells exit with where there is no such program. */
const NO_PROGRAM = 127;

/** Which lines went well; null where the program is missing. */
async function asBatch(
  program: 'ip' | 'tc',
  attempts: readonly Attempt[],
  namespace: ThrowAwayNamespace,
  drivers: Ground['drivers'],
): Promise<boolean[] | null> {
  const lines = attempts.map(({ line }) => line).join('\n');
  const { stderr, exitCode } = await inside([program, '-force', '-batch', '-'], lines, namespace, drivers);
  const failed = failedLines(stderr);
  return exitCode === NO_PROGRAM ? null : attempts.map((_, i) => !failed.includes(i + 1));
}

/** The same for nft, which takes a script as a whole or not at all. */
async function oneByOne(
  attempts: readonly Attempt[],
  namespace: ThrowAwayNamespace,
  drivers: Ground['drivers'],
): Promise<boolean[] | null> {
  const codes: number[] = [];
  for (const { line } of attempts)
    codes.push((await inside(['nft', '-f', '-'], line, namespace, drivers)).exitCode);
  return codes.includes(NO_PROGRAM) ? null : codes.map(code => code === 0);
}

async function inside(
  words: readonly string[],
  input: string,
  { enter }: ThrowAwayNamespace,
  { run }: Ground['drivers'],
) {
  const [file = '', ...args] = [...enter, ...words];
  return run(file, args, { input: `${input}\n`, allowFailure: true });
}

/** `Command failed -:3`, one a failed line, under `-force`. */
export const failedLines = (stderr: string): number[] =>
  [...stderr.matchAll(/^Command failed \S*?:(\d+)/gm)].map(([, line]) => Number(line));

export function judgeKernel(
  abilities: readonly { readonly name: string; readonly use: Attempt['use']; readonly ability: Ability }[],
  release: string,
): Finding[] {
  const of = (...uses: Attempt['use'][]) => abilities.filter(({ use }) => uses.includes(use));
  const names = (list: typeof abilities, ...which: Ability[]) =>
    list
      .filter(({ ability }) => which.includes(ability))
      .map(({ name, ability }) => (ability === 'module' ? `${name} (as a module)` : name))
      .join(', ');
  const more = `apt-get install linux-modules-extra-${release} (Ubuntu)\nor run a kernel of the distribution`;

  const links = about(
    'kernel-links',
    'link kinds',
    'Bridges, taps, veths and alternative names are what vmnet builds with.',
  );
  const has = `the kernel has ${names(of('links', 'optional'), 'yes', 'module') || 'none'}`;
  const lacks = names(of('links', 'optional'), 'no');
  const lacking = names(of('links'), 'no');
  const vlan = about('vlan', 'VLANs', 'Guests in a VLAN need bridge VLAN filtering, or an 802.1Q uplink.');
  const noVlan = names(of('vlan'), 'no');
  const proof = about(
    'kernel-nft',
    'nftables',
    'The path proof counts frames with these (Linux 5.16, nft 1.0.1).',
  );
  const noProof = names(of('proof'), 'no');
  const told = [
    lacking
      ? links.fault(`the kernel lacks ${lacking}`, more)
      : links.ok(lacks ? `${has}; not ${lacks}, which no lab needs` : has),
    noVlan
      ? vlan.warning(`not possible: the kernel lacks ${noVlan}`, more)
      : vlan.ok(names(of('vlan'), 'yes', 'module')),
    noProof
      ? proof.fault(
          `the kernel or nft lacks ${noProof}`,
          'upgrade kernel and nftables, or provision with --no-verify',
        )
      : proof.ok(names(of('proof'), 'yes', 'module')),
  ];
  const uses = [['links', 'optional'], ['vlan'], ['proof']] as const;
  return told.filter((_, i) => of(...(uses[i] ?? [])).length > 0);
}
