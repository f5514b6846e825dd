import type { Drivers } from '../drivers/drivers.js';
import { asksDocker, isForwarded } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import { tableName } from '../lab/names.js';
import type { DockerChain, DockerRule, ForwardDrop, LabRecord } from './model.js';
import { readFilters } from './read-filters.js';
import { asAppliedAndWanted } from './records.js';

/** Chains that can drop what a bridge forwards, but for those of labs, whose drops are meant. */
export async function readForwardDrops(lab: Lab | null, drivers: Drivers): Promise<ForwardDrop[]> {
  if (!lab?.bridges.some(isForwarded)) return [];
  const filters = await readFilters(drivers);
  return filters.flatMap(({ family, hook, where, drops }) =>
    hook === 'forward' &&
    (family === 'ip' || family === 'ip6' || family === 'inet') &&
    !where.includes(` table ${tableName('')}`)
      ? [{ family, where, drops }]
      : [],
  );
}

const PROGRAMS = [
  { program: 'iptables-legacy', family: 4 },
  { program: 'iptables-nft', family: 4 },
  { program: 'ip6tables-legacy', family: 6 },
  { program: 'ip6tables-nft', family: 6 },
] as const;

/** Every DOCKER-USER of this host; where nothing is known of the lab, its marks have to be looked for. */
export async function readDocker(
  lab: Lab | null,
  records: readonly LabRecord[],
  { run }: Drivers,
): Promise<DockerChain[]> {
  const labs = asAppliedAndWanted(lab, records);
  if (lab !== null && !labs.some(asksDocker)) return [];
  const saved = await Promise.all(
    PROGRAMS.map(({ program }) =>
      run(`${program}-save`, [], { allowFailure: true }).then(
        ({ stdout }) => stdout,
        () => '', // not installed: it has no rules
      ),
    ),
  );
  return PROGRAMS.flatMap(({ program, family }, i) => {
    const rules = parseDocker(saved[i] ?? '');
    return rules === null ? [] : [{ program, family, rules }];
  });
}

/** Our rules in DOCKER-USER out of `iptables-save`; null where the filter table has no such chain. */
export function parseDocker(text: string): DockerRule[] | null {
  const filter = text.split(/^\*/m).find(part => part.startsWith('filter\n'));
  const lines = filter?.split('\n') ?? [];
  if (!lines.some(line => line.startsWith(':DOCKER-USER '))) return null;
  return lines.flatMap(line => {
    const [, comment, chain] =
      /^-A DOCKER-USER -m comment --comment "?(vmnet:[A-Za-z0-9_:.-]+)"? -j (vmnet-[a-z2-7]+)$/.exec(line) ??
      [];
    return comment === undefined || chain === undefined
      ? []
      : [{ comment, chain, bridge: letsPass(lines.filter(it => it.startsWith(`-A ${chain} `))) }];
  });
}

/** The bridge that a chain of ours accepts in both directions. */
function letsPass(lines: readonly string[]): string | null {
  const [, inward] = / -i (\S+) -j ACCEPT$/.exec(lines[0] ?? '') ?? [];
  const [, outward] = / -o (\S+) -j ACCEPT$/.exec(lines[1] ?? '') ?? [];
  return lines.length === 2 && inward !== undefined && inward === outward ? inward : null;
}
