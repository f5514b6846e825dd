import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readNames, removeNames, saveNames } from '../apply/names.js';
import { VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import type { Lab } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import type { Named } from '../where/names.js';
import { hostsLines, namedOf, sshConfigLines } from '../where/names.js';
import { whereAre } from '../where/where.js';
import { accountOf } from './account.js';
import type { Context, Outcome } from './command.js';
import { locked } from './locked.js';
import { guessUser, keyFor } from './login.js';
import { resolveLab, resolveName } from './resolve.js';

export interface HostsFlags {
  readonly format: string;
  /** A file, or true for the usual one. */
  readonly write?: string | true;
  readonly remove?: boolean;
}

/** Print where the VMs of a lab are in the words of /etc/hosts or ssh_config(5), keep that in a file, or take it out. */
export async function hosts(labOrFile: string, flags: HostsFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter, about } = context;
  const { format } = flags;
  if (format !== 'hosts' && format !== 'ssh-config')
    throw new VmnetError('usage', `--format takes hosts or ssh-config, not ${quote(format)}`);
  if (flags.remove && flags.write !== undefined)
    throw new VmnetError('usage', 'hosts takes --write or --remove, not both');
  about.lab = await resolveName(labOrFile);
  const change = (work: () => Promise<Outcome>) =>
    locked(['names'], `vmnet hosts ${about.lab}`, {}, context, work);
  if (flags.remove) return change(() => remove(about.lab ?? '', context));
  const lab = await resolveLab(labOrFile, drivers);
  const record = await findRecord(lab.name, drivers);
  if (flags.write !== undefined && !record)
    throw new VmnetError(
      'usage',
      `the lab ${lab.name} is not provisioned, so that nothing would take its names out again`,
      `vmnet provision ${lab.file}`,
    );
  const found = await whereAre(lab, drivers, { networkOnly: record?.networkOnly ?? false });
  const named = namedOf(lab, found);
  const lines =
    format === 'hosts' ? hostsLines(named) : sshConfigLines(lab.name, await withLogins(lab, named, context));
  const more = { format, names: named, text: `${lines.join('\n')}\n` };
  if (flags.write === undefined) {
    reporter.print(lines.join('\n'));
    return { lab: lab.name, more: { ...more, file: null } };
  }
  const file = await fileFor(flags.write, format, context);
  return change(async () => {
    await write(lab.name, file, format, lines, context);
    reporter.print(`${lab.name}: ${file} has the names of ${count(named)}; vmnet destroy takes them out`);
    return { lab: lab.name, more: { ...more, file } };
  });
}

const count = (named: readonly Named[]) => {
  const known = named.filter(({ addresses }) => addresses.length > 0).length;
  const all = `${named.length} ${named.length === 1 ? 'VM' : 'VMs'}`;
  return known === named.length ? all : `${known} of ${all}: of the others no address is known`;
};

const withLogins = (lab: Lab, named: readonly Named[], { drivers }: Context) =>
  Promise.all(
    named.map(async it => {
      const vm = lab.vms.find(({ name }) => name === it.vm);
      return {
        ...it,
        user: vm ? await guessUser(lab, vm) : null,
        identity: vm ? await keyFor(vm, drivers) : null,
      };
    }),
  );

async function fileFor(given: string | true, format: string, { drivers }: Context): Promise<string> {
  if (given !== true) return resolve(given);
  return format === 'hosts' ? '/etc/hosts' : join(await sshFolder(drivers), 'config');
}

/** Of whoever called us by sudo. */
const sshFolder = async ({ files }: Context['drivers']) =>
  join((await accountOf(process.env.SUDO_USER, files))?.home ?? homedir(), '.ssh');

async function write(
  lab: string,
  file: string,
  format: 'hosts' | 'ssh-config',
  lines: readonly string[],
  { drivers }: Context,
): Promise<void> {
  const before = await readNames(lab, drivers);
  if (!before.some(it => it.file === file)) {
    const knownHosts =
      format === 'ssh-config' ? join(await sshFolder(drivers), `known_hosts.vmnet-${lab}`) : null;
    const made = !(await drivers.blocks.exists(file));
    await saveNames(lab, [...before, { file, made, knownHosts }], drivers);
  }
  const owner = format === 'hosts' ? null : await accountOf(process.env.SUDO_USER, drivers.files);
  await drivers.blocks.write(file, lab, lines, { mode: format === 'hosts' ? 0o644 : 0o600, owner });
}

async function remove(lab: string, { drivers, reporter }: Context): Promise<Outcome> {
  const notes = await removeNames(lab, drivers);
  const left = await readNames(lab, drivers);
  for (const note of notes) reporter.print(note);
  if (notes.length === 0) reporter.print(`${lab}: its names are in no file that vmnet wrote`);
  return { lab, more: { left: left.map(({ file }) => file) }, exitCode: left.length > 0 ? 1 : 0 };
}
