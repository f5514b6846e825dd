import { join } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import { readRecords } from '../host/records.js';
import type { Vm } from '../lab/model.js';
import { quote, quotePath } from '../lab/quote.js';
import { USER_NAME } from '../where/login.js';
import { isReachable, type Reachable, reach, type Unreachable } from '../where/reach.js';
import { whereAre } from '../where/where.js';
import type { Context, Outcome } from './command.js';
import { findVm } from './find-vm.js';
import { isProgram, runInForeground } from './foreground.js';
import { guessUser, keyFor } from './login.js';

export interface SshFlags {
  readonly user?: string;
  /** A private key. */
  readonly identity?: string;
}

/** Log in to a VM, or run a command there: where it is now, as whom its image lets in; ssh's exit code becomes ours. */
export async function ssh(
  name: string,
  words: readonly string[],
  flags: SshFlags,
  context: Context,
): Promise<Outcome> {
  const { drivers, about, json } = context;
  if (flags.user !== undefined && !USER_NAME.test(flags.user))
    throw new VmnetError(
      'usage',
      `--user takes a user's name, not ${quote(flags.user)}`,
      'Such as --user debian.',
    );
  if (flags.identity !== undefined && !(await drivers.kernel.exists(flags.identity)))
    throw new VmnetError(
      'usage',
      `there is no private key ${quotePath(flags.identity)}`,
      'Without --identity, ssh takes those in ~/.ssh.',
    );
  const { record, vm } = findVm(name, await readRecords(drivers));
  about.lab = record.name;
  if (!(await isProgram('ssh', drivers)))
    throw new VmnetError('missing-tool', 'there is no ssh', 'apt-get install openssh-client');
  const there = await addressOf(record, vm, drivers);
  const user = flags.user ?? (await guessUser(record.lab, vm));
  const identity = flags.identity ?? (await keyFor(vm, drivers));
  if (words.length === 0 && process.stderr.isTTY)
    process.stderr.write(
      `${vm.name} at ${there.host} (${there.source})${user === null ? '' : `, as ${user}`}\n`,
    );
  const args = sshArgs(
    { lab: record.name, vm: vm.name, host: there.host, user, identity },
    knownHosts(drivers.stateDir, record.name),
  );
  const exitCode = await runInForeground(['ssh', ...args, ...words], json, 'openssh-client');
  const { address, source } = there;
  return { lab: record.name, exitCode, more: { ssh: { vm: vm.name, address, source, user } } };
}

/** Of guests of a lab, apart from the user's own: they go with the lab. */
const knownHosts = (stateDir: string, lab: string) => join(stateDir, 'labs', lab, 'known_hosts');

export interface Login {
  readonly lab: string;
  readonly vm: string;
  readonly host: string;
  readonly user: string | null;
  readonly identity: string | null;
}

/** Pure. A guest is known by its name, since its address may become another's. */
export const sshArgs = ({ lab, vm, host, user, identity }: Login, file: string): string[] => [
  ...['-o', `HostKeyAlias=${vm}.${lab}`],
  // ssh_config(5): quotes around blanks, and two of a sign that begins a token.
  ...['-o', `UserKnownHostsFile="${file.replaceAll('%', '%%')}"`],
  ...['-o', 'StrictHostKeyChecking=accept-new'],
  ...(identity === null ? [] : ['-i', identity]),
  ...(user === null ? [] : ['-l', user]),
  ...['--', host],
];

async function addressOf(record: LabRecord, vm: Vm, drivers: Drivers): Promise<Reachable> {
  const { lab, networkOnly = false } = record;
  const links = await drivers.ip.links({ stats: true });
  const found = await whereAre(lab, drivers, { vms: [vm], links, networkOnly });
  if (found.every(({ addresses }) => addresses.length === 0))
    throw new VmnetError(
      'check-failed',
      `nobody knows an address of ${vm.name}: ${found.map(it => it.note).join('; ') || 'it has no NIC'}`,
      found.every(({ note }) => note === 'not running')
        ? `vmnet provision ${lab.file} starts it.`
        : `${consoleOf(record, vm)} shows what it does; vmnet verify ${record.name} asks it in more ways.`,
    );
  const way = await reach(found, links, drivers);
  if (isReachable(way)) return way;
  throw noWay(record, vm, way);
}

const consoleOf = ({ name }: LabRecord, vm: Vm) => `vmnet console ${name}/${vm.name}`;

function noWay(record: LabRecord, vm: Vm, failed: readonly Unreachable[]): VmnetError {
  const bridges = [...new Set(vm.nics.flatMap(({ bridge }) => bridge ?? []))];
  const uplinked = record.lab.bridges.some(it => bridges.includes(it.name) && it.uplink !== null);
  const [first] = failed;
  const elsewhere = uplinked || vm.nics.some(({ macvtap }) => macvtap);
  const ways = [
    ...(bridges.length > 0
      ? [`give ${bridges.join(' or ')} an "address" in that network, and provision again`]
      : []),
    ...(elsewhere && first ? [`from another machine of its network: ssh ${first.address}`] : []),
    `without any network: ${consoleOf(record, vm)}`,
  ];
  return new VmnetError(
    'check-failed',
    `this host cannot reach ${vm.name}: ${failed.map(({ address, why }) => `${address} ${why}`).join('; ')}`,
    `Either ${ways.join(';\nor ')}.`,
  );
}
