import { VmnetError } from '../errors.js';
import type { Run } from './run.js';

/** One row of Open vSwitch's database; sets are lists, maps are objects, UUIDs are texts. */
export type OvsRow = Readonly<Record<string, OvsValue>>;
export type OvsValue =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | Readonly<Record<string, string>>;

export interface OvsDump {
  readonly bridges: readonly OvsRow[];
  readonly ports: readonly OvsRow[];
  readonly interfaces: readonly OvsRow[];
}

/** A MAC that a bridge has learned; `port` is OpenFlow's number, or `LOCAL`. */
export interface OvsLearned {
  readonly port: string;
  readonly vlan: number;
  readonly mac: string;
}

/** Open vSwitch, by its own programs. */
export interface Ovs {
  /** Does its database server listen? */
  isThere(): Promise<boolean>;
  /** Null where it is there and switches; else which of its parts is missing. */
  trouble(): Promise<OvsTrouble | null>;
  /** Every bridge, port and interface: one process. */
  dump(): Promise<OvsDump>;
  /** Does the kernel have Open vSwitch's datapath? Else bridges are switched in user space. */
  hasKernelDatapath(): Promise<boolean>;
  /**
   * Run these commands of ovs-vsctl(8) as one transaction and wait until they took effect.
   * @throws {VmnetError} `command-failed`, also where a port could not be opened
   */
  transact(commands: readonly (readonly string[])[]): Promise<void>;
  /** What a bridge has learned: one process. */
  fdb(bridge: string): Promise<readonly OvsLearned[]>;
  /** Forget a MAC that a bridge has learned; nothing where it has not. */
  forget(bridge: string, vlan: number, mac: string): Promise<void>;
}

export type OvsTrouble = 'not-installed' | 'no-database' | 'no-switch';

/** Seconds that ovs-vsctl waits for ovs-vswitchd. */
const WAIT = 15;

const COLUMNS = {
  Bridge: [
    'name',
    'datapath_type',
    'ports',
    'external_ids',
    'other_config',
    'stp_enable',
    'mcast_snooping_enable',
  ],
  Port: ['_uuid', 'name', 'interfaces', 'tag', 'trunks', 'vlan_mode', 'external_ids'],
  Interface: ['_uuid', 'name', 'type', 'error', 'ofport', 'mtu_request', 'statistics'],
} as const;

/** @param locks descriptors that a transaction inherits: nobody else may start while it runs, even if we are killed */
export function makeOvs(
  run: Run,
  exists: (path: string) => Promise<boolean>,
  runDir = '/run/openvswitch',
  locks: () => readonly number[] = () => [],
): Ovs {
  const isThere = () => exists(`${runDir}/db.sock`);
  return {
    isThere,
    async trouble() {
      if (!(await isThere())) return (await isInstalled(run)) ? 'no-database' : 'not-installed';
      const switching = await run('ovs-appctl', ['-T', '5', '-t', 'ovs-vswitchd', 'version'], {
        allowFailure: true,
      });
      return switching.exitCode === 0 ? null : 'no-switch';
    },
    async dump() {
      const { stdout } = await run('ovs-vsctl', dumpArgs());
      return parseDump(stdout);
    },
    async hasKernelDatapath() {
      const asked = ['ctrl', 'get', 'name', 'ovs_datapath'];
      return (await run('genl', asked, { allowFailure: true })).exitCode === 0;
    },
    async transact(commands) {
      if (commands.length === 0) return;
      const args = transactArgs(commands);
      const child = { ownSession: true, keepOpen: locks(), timeoutMs: (WAIT + 5) * 1000 };
      const { stderr } = await run('ovs-vsctl', args, child);
      const complaint = refusal(stderr);
      if (complaint)
        throw new VmnetError('command-failed', `Open vSwitch: ${complaint}`, "ovs-vswitchd's log says more.");
    },
    async fdb(bridge) {
      return parseOvsFdb((await run('ovs-appctl', ['fdb/show', bridge])).stdout);
    },
    async forget(bridge, vlan, mac) {
      await run('ovs-appctl', ['fdb/del', bridge, String(vlan), mac], { allowFailure: true });
    },
  };
}

async function isInstalled(run: Run): Promise<boolean> {
  try {
    await run('ovs-vsctl', ['--version']);
    return true;
  } catch (error) {
    if (error instanceof VmnetError && error.code === 'missing-tool') return false;
    throw error;
  }
}

export const transactArgs = (commands: readonly (readonly string[])[]): string[] => [
  `--timeout=${WAIT}`,
  ...commands.flatMap(words => ['--', ...words]),
];

export const dumpArgs = (): string[] => [
  `--timeout=${WAIT}`,
  '--format=json',
  ...Object.entries(COLUMNS).flatMap(([name, columns]) => [
    '--',
    `--columns=${columns.join(',')}`,
    'list',
    name,
  ]),
];

/** ovs-vsctl exits with 0 although a port was not opened, and says so here. */
export const refusal = (stderr: string): string | null =>
  /Error detected while setting up (.*?)(?:\. {2}See .*)?$/m.exec(stderr)?.[1]?.trim() ?? null;

/** One table a line, in the order of the columns' commands. */
export function parseDump(stdout: string): OvsDump {
  const [bridges = [], ports = [], interfaces = []] = stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => parseTable(JSON.parse(line)));
  return { bridges, ports, interfaces };
}

interface Table {
  readonly headings: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

const parseTable = ({ headings, data }: Table): OvsRow[] =>
  data.map(row => Object.fromEntries(row.map((value, i) => [headings[i] ?? '', ovsValue(value)])));

/** RFC 7047, 5.1: `["set", […]]`, `["map", [[key, value], …]]`, `["uuid", "…"]`, or an atom. */
function ovsValue(json: unknown): OvsValue {
  if (!Array.isArray(json)) return json as OvsValue;
  const [kind, content] = json as [string, unknown];
  if (kind === 'set') return (content as unknown[]).map(ovsValue) as string[];
  if (kind === 'map')
    return Object.fromEntries((content as unknown[][]).map(([key, value]) => [key, String(value)]));
  return String(content);
}

/** ` port  VLAN  MAC                Age`, then one line a MAC. */
export const parseOvsFdb = (stdout: string): OvsLearned[] =>
  [...stdout.matchAll(/^\s*(\S+)\s+(\d+)\s+((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\s/gm)].map(
    ([, port = '', vlan, mac = '']) => ({ port, vlan: Number(vlan), mac }),
  );
