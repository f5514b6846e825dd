import { randomInt } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VmnetError } from '../errors.js';
import { startTime } from '../process.js';
import type { Run } from './run.js';
import { makeRunScript } from './scripts.js';

/** Everything iproute2 tells about links, addresses, routes, rules and permanent neighbours, as its own JSON. */
export interface IpDump {
  readonly links: readonly IpJson[];
  readonly routes4: readonly IpJson[];
  readonly routes6: readonly IpJson[];
  readonly rules4: readonly IpJson[];
  readonly rules6: readonly IpJson[];
  readonly neighbours: readonly IpJson[];
  /** Nexthop objects of both families, and groups. */
  readonly nexthops: readonly IpJson[];
  /** Of these, the ones of IPv6: their JSON does not always tell. */
  readonly nexthops6: readonly IpJson[];
}

/** One object of `ip -json`; the parsers in host/ give it a type. */
export type IpJson = Readonly<Record<string, unknown>>;

export interface BatchOptions {
  /** 6 for IPv6 rules and default routes, which an IPv4 batch would read as IPv4. */
  readonly family?: 6;
  /** Default: `ip`. */
  readonly program?: 'bridge';
  /** Go on after a failing line; the caller re-reads the host afterwards. */
  readonly force?: boolean;
  /** Command prefix that runs it in another network namespace. */
  readonly enter?: readonly string[];
}

export interface Iproute2 {
  /** Two processes, whatever the number of links. */
  dump(): Promise<IpDump>;
  /** Links with addresses and, where asked, traffic counters: one process. */
  links(options?: { stats?: boolean }): Promise<readonly IpJson[]>;
  /** Routes of all tables and both families as text, which tells more of their metrics than JSON: one process. */
  routesAsText(): Promise<string>;
  /** IPv6 default routes: one process. */
  defaultRoutes6(): Promise<readonly IpJson[]>;
  /** Forwarding database of every bridge: one process. */
  fdb(): Promise<readonly IpJson[]>;
  /** Flags of every bridge port: one process. */
  ports(): Promise<readonly IpJson[]>;
  /** VLANs of every bridge port: one process. */
  vlans(): Promise<readonly IpJson[]>;
  /** Run all lines as one `ip -batch`, or `bridge -batch`. Throws `command-failed` that quotes the line it stopped at. */
  batch(lines: readonly string[], options?: BatchOptions): Promise<void>;
  /** Remove the batch files of runs that were killed. */
  sweep(): Promise<void>;
  /**
   * Delete the links behind these names (altnames wherever possible) at once, through a group that none was in when
   * links were last listed. Throws `command-failed` where one is not there.
   * @param options `undoing`: also where no batch can be written
   */
  deleteLinks(names: readonly string[], options?: { undoing?: boolean }): Promise<void>;
}

/** @param locks descriptors that a batch inherits: nobody else may start while it runs, even if we are killed */
export function makeIproute2(
  run: Run,
  batchDir: string,
  locks: () => readonly number[] = () => [],
): Iproute2 {
  const runScript = makeRunScript(run, batchDir, locks);

  const batch = async (lines: readonly string[], options: BatchOptions = {}): Promise<void> => {
    if (lines.length === 0) return;
    const { program = 'ip', family, force = false, enter = [] } = options;
    const args = [...(family ? ['-6'] : []), ...(force ? ['-force'] : []), '-batch'];
    const result = await runScript(program, args, `${lines.join('\n')}\n`, { undoing: force, enter });
    if (result.exitCode !== 0 && !force) throw batchFailed(lines, result.stderr, program);
  };

  /** Groups in use, as last seen. */
  let groups: ReadonlySet<string> | null = null;
  const remember = (links: readonly IpJson[]) => {
    groups = groupsOf(links);
  };

  const list = async ({ stats = false } = {}): Promise<readonly IpJson[]> => {
    const result = await run('ip', ['-j', '-d', ...(stats ? ['-s'] : []), 'address', 'show']);
    const links = parseDocuments(result.stdout)[0] ?? [];
    remember(links);
    return links;
  };

  const deleteLinks: Iproute2['deleteLinks'] = async (names, { undoing = false } = {}) => {
    if (names.length === 0) return;
    const group = unusedGroup(groups ?? groupsOf(await list()));
    const grouped = names.map(name => `link set dev ${name} group ${group}`);
    try {
      await batch([...grouped, `link del group ${group}`]);
    } catch (error) {
      if (!undoing || (error as VmnetError).code !== 'state') throw error;
      const child = { ownSession: true, keepOpen: locks() };
      await run('ip', ['-batch', '-'], { ...child, input: `${grouped.join('\n')}\n` });
      // By itself: were we killed while feeding it, its cut number would be another group's.
      await run('ip', ['link', 'del', 'group', String(group)], child);
    }
  };

  return {
    async dump() {
      const [four, six] = await Promise.all([
        run('ip', ['-j', '-d', '-batch', '-'], { input: DUMP_4 }),
        run('ip', ['-6', '-j', '-d', '-batch', '-'], { input: DUMP_6 }),
      ]);
      const [links = [], routes4 = [], rules4 = [], neighbours = [], nexthops = []] = parseDocuments(
        four.stdout,
      );
      const [routes6 = [], rules6 = [], nexthops6 = []] = parseDocuments(six.stdout);
      remember(links);
      // Without -4 the first dump holds both families' routes; only IPv6 ones carry a router preference.
      return {
        links,
        routes4: routes4.filter(route => route.pref === undefined),
        routes6,
        rules4,
        rules6,
        neighbours,
        nexthops,
        nexthops6,
      };
    },
    links: list,
    async routesAsText() {
      return (await run('ip', ['-d', 'route', 'show', 'table', 'all'])).stdout;
    },
    async defaultRoutes6() {
      return parseDocuments((await run('ip', ['-6', '-j', 'route', 'show', 'default'])).stdout)[0] ?? [];
    },
    async fdb() {
      return parseDocuments((await run('bridge', ['-j', 'fdb', 'show'])).stdout)[0] ?? [];
    },
    async ports() {
      return parseDocuments((await run('bridge', ['-j', '-d', 'link', 'show'])).stdout)[0] ?? [];
    },
    async vlans() {
      return parseDocuments((await run('bridge', ['-j', 'vlan', 'show'])).stdout)[0] ?? [];
    },
    batch,
    deleteLinks,
    async sweep() {
      for (const name of await readdir(batchDir).catch(() => [] as string[])) {
        if ((await startTime(Number(name.split('-')[0]))) === null)
          await rm(join(batchDir, name), { force: true });
      }
    },
  };
}

const DUMP_4 = 'address show\nroute show table all\nrule show\nneigh show nud permanent\nnexthop show\n';
const DUMP_6 = 'route show table all\nrule show\nnexthop show\n';

/** `ip -j -batch` prints one JSON array a line, and an empty line or `[{}]` where there is nothing. */
export function parseDocuments(stdout: string): IpJson[][] {
  return (arrayEachLine(stdout) ?? splitArrays(stdout).map(text => JSON.parse(text) as IpJson[])).map(
    objects => objects.filter(isNotEmpty),
  );
}

/** As nearly always; looking for where arrays end takes longer than reading them. */
function arrayEachLine(text: string): IpJson[][] | null {
  try {
    return text.split('\n').flatMap(line => (line.trim() === '' ? [] : [JSON.parse(line)]));
  } catch {
    return null;
  }
}

function isNotEmpty(object: IpJson): boolean {
  for (const _ in object) return true;
  return false;
}

/** Compared as numbers: a dump of 1000 links has a million characters. */
const CODES = { backslash: 0x5c, quote: 0x22, open: 0x5b, close: 0x5d } as const;

/** Cut a run of top-level JSON arrays apart; iproute2 separates them by nothing or by a newline. */
function splitArrays(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === CODES.backslash) i++;
      else if (c === CODES.quote) quoted = false;
    } else if (c === CODES.quote) quoted = true;
    else if (c === CODES.open && depth++ === 0) start = i;
    else if (c === CODES.close && --depth === 0) parts.push(text.slice(start, i + 1));
  }
  return parts;
}

/** Name the line that `ip -batch`, or that of `bridge` or `tc`, stopped at: it says `Command failed FILE:LINE`. */
export function batchFailed(
  lines: readonly string[],
  stderr: string,
  program: 'ip' | 'bridge' | 'tc' = 'ip',
): VmnetError {
  const line = Number(/Command failed \S*?:(\d+)/.exec(stderr)?.[1] ?? 0);
  const complaint = stderr.replace(/^Command failed.*$/m, '').trim() || 'no reason given';
  const at = lines[line - 1];
  const what = at === undefined ? `${program} -batch` : `\`${program} ${at}\``;
  if (/Operation not permitted/.test(complaint)) {
    return new VmnetError(
      'permission',
      `${what}: ${complaint}`,
      'Run vmnet as root (sudo) or with CAP_NET_ADMIN.',
    );
  }
  return new VmnetError('command-failed', `${what}: ${complaint}`);
}

const groupsOf = (links: readonly IpJson[]) => new Set(links.map(link => String(link.group ?? 'default')));

/** A random 31-bit group that no link is in: `link del group` takes every member, ours or not. */
function unusedGroup(used: ReadonlySet<string>): number {
  for (;;) {
    const group = randomInt(1 << 20, 2 ** 31 - 1);
    if (!used.has(String(group))) return group;
  }
}
