import { VmnetError } from '../errors.js';
import { followLab } from '../host/libvirt-user.js';
import { readRecords } from '../host/records.js';
import type { Vm } from '../lab/model.js';
import { printable } from '../lab/quote.js';
import { consolePath } from '../render/domain.js';
import type { Context, Outcome } from './command.js';
import { findVm } from './find-vm.js';
import { isProgram, runInForeground } from './foreground.js';

export interface ConsoleFlags {
  /** Print what the console has said so far, and do not attach. */
  readonly log?: boolean;
}

/** Lines of the log that are shown where nobody sits at a terminal. */
const LINES = 100;

/** Attach to the serial console of a VM; where standard input is no terminal, print the end of its log. */
export async function console_(name: string, { log }: ConsoleFlags, context: Context): Promise<Outcome> {
  const { drivers, about, reporter, json } = context;
  const records = await readRecords(drivers);
  const { record, vm } = findVm(name, records);
  about.lab = record.name;
  followLab(record.name, records, drivers);
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true && !json;
  if (log || !interactive) {
    const text = await drivers.files.read(consolePath(drivers.guestDir, record.name, vm.name));
    if (text === null)
      throw new VmnetError(
        'usage',
        `no console of ${vm.name} has been kept`,
        `Only running VMs have one: vmnet provision ${record.lab.file}.`,
      );
    if (!log) reporter.warn(`No terminal: these are the last lines of the log of ${vm.name}'s console.`);
    const shown = readable(log ? text : lastLines(text, LINES));
    if (shown !== '') reporter.print(shown);
    return { lab: record.name, more: { console: { vm: vm.name, log: shown } } };
  }
  await requireRunning(vm, record.lab.file, context);
  if (!(await isProgram('virsh', drivers)))
    throw new VmnetError('missing-tool', 'there is no virsh', 'apt-get install libvirt-clients');
  reporter.print(`The console of ${vm.name}. Press Enter for a prompt, and Ctrl-] to leave it.`);
  return { lab: record.name, exitCode: await attach(vm.domain, context) };
}

async function requireRunning({ name, domain }: Vm, file: string, { drivers }: Context): Promise<void> {
  const libvirt = await drivers.libvirt();
  const uuid = await libvirt.lookupDomainByName(domain);
  const state = uuid === null ? null : await libvirt.state(uuid, { name: domain }).catch(() => null);
  if (state?.state === 'running') return;
  throw new VmnetError(
    'usage',
    `${name} is not running, so that it has no console (${state?.state ?? 'its domain is not defined'})`,
    `vmnet provision ${file} starts it; vmnet console ${name} --log shows what it said last.`,
  );
}

/** virsh puts the terminal back by itself, unless it is killed. */
async function attach(domain: string, { drivers: { run, connection } }: Context): Promise<number> {
  const { stdout: before } = await run('stty', ['-F', '/dev/tty', '-g'], { allowFailure: true });
  try {
    return await runInForeground(
      ['virsh', '-q', '-c', connection.uri, 'console', domain],
      false,
      'libvirt-clients',
    );
  } finally {
    if (before.trim() !== '') await run('stty', ['-F', '/dev/tty', before.trim()], { allowFailure: true });
    process.stderr.write('\n');
  }
}

const lastLines = (text: string, count: number) => text.trimEnd().split('\n').slice(-count).join('\n');

/** A guest writes what it likes: nothing of it moves the cursor, or does worse. */
const readable = (text: string) =>
  text
    .replace(ESCAPES, '')
    .split('\n')
    .map(line => printable(line.replace(/\r+$/, '').replaceAll('\t', '        ')))
    .join('\n')
    .trimEnd();

/** Of ECMA-48: control sequences, operating system commands, and others of two bytes. */
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
