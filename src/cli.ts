#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { Context, Outcome } from './commands/command.js';
import { VmnetError } from './errors.js';
import { failed, runCommand } from './main.js';
import { PACKAGE } from './place.js';

const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8')) as {
  version: string;
};

/** Does a verb's work; a verb's module is loaded only when it is called. */
type Verb = (context: Context, ...args: never[]) => Promise<Outcome<unknown>>;

const program = new Command('vmnet')
  .description('Put QEMU/KVM virtual machines on a real layer-2 network, prove it, and put the host back.')
  .version(version)
  .option('--json', 'print one JSON document on stdout and nothing else')
  .option('--json-file <file>', 'write that document to a file as well')
  .option('--debug <file>', 'write every command, its output and its time to a file')
  .option(
    '--connect <uri>',
    "libvirt to use, as qemu:///session (default: the lab's own, LIBVIRT_DEFAULT_URI, else qemu:///system)",
  )
  .addOption(new Option('--quiet').hideHelp())
  .exitOverride()
  .configureOutput({ outputError: () => {} })
  .showSuggestionAfterError();

/** Let commander parse, and run the verb with what it parsed. */
function verb(words: string, description: string, work: Verb, parent = program, hidden = false): Command {
  const command = parent.command(words, { hidden }).description(description);
  command.action(async (...parsed: unknown[]) => {
    const name = parent === program ? command.name() : `${parent.name()} ${command.name()}`;
    // commander hands over the arguments, the flags, and the command itself.
    const args = parsed.slice(0, -1) as never[];
    process.exitCode = await runCommand(name, program.opts(), context => work(context, ...args));
  });
  return command;
}

const yes = [
  '--yes',
  'go on although something would be lost, or nobody would see it; the refusal says what',
] as const;
const networkOnly = ['--network-only', 'bridges, uplinks, taps, namespaces and links; no domains'] as const;
const noWait = [
  '--no-wait',
  'fail at once where another run is under way, instead of waiting for it',
] as const;
const restart = ['--restart', 'restart running guests whose definition changed'] as const;

verb(
  'provision <file>',
  'bring this host to what the lab says, and prove the path of its traffic',
  async (context, file, flags) => (await import('./commands/provision.js')).provision(file, flags, context),
)
  .option('--dry-run', 'print the plan and change nothing')
  .option(...networkOnly)
  .option('--no-verify', 'skip the health checks and the path proof')
  .option(
    '--rollback-after <seconds>',
    'undo a moved uplink unless it proves itself in time (default: 30; 0: no guard)',
  )
  .option('--confirm <seconds>', 'undo a moved uplink unless somebody confirms in time')
  .option(...noWait)
  .option(...restart)
  .option(...yes);
verb('plan <file>', 'print what provision would do', async (context, file, flags) =>
  (await import('./commands/plan.js')).plan(file, flags, context),
)
  .option(...networkOnly)
  .option(...restart)
  .option(...yes);
verb('verify [lab]', 'measure a lab that is up: by file or name', async (context, lab, flags) =>
  (await import('./commands/verify.js')).verify(lab, flags, context),
)
  .option('--timeout <seconds>', 'how long to wait for silent guests')
  .option('--domain <name>', 'measure a running domain instead, whoever made it')
  .option('--vm <name>', 'only this VM of the lab')
  .option('--explain', 'tell the proof in sentences')
  .option('--pcap <folder>', 'write the frames of each hop to a pcap file')
  .option('--passive', 'only listen: send nothing');
verb(
  'trace <vm>',
  'follow the frames of a VM hop by hop, live: by its name, or as LAB/VM',
  async (context, vm, flags) => (await import('./commands/trace.js')).trace(vm, flags, context),
)
  .option('--nic <index>', 'which of its NICs', '0')
  .option('--to <address>', 'only frames to or from this address')
  .option('--count <frames>', 'end after so many', '5')
  .option('--timeout <seconds>', 'end after so long', '10')
  .option('--passive', 'only listen: ask nothing of a quiet guest');
verb(
  'impair <nic>',
  'make the line to a running VM bad, or good again: NIC 0 of VM, or VM:INDEX, or LAB/VM:INDEX',
  async (context, nic, flags) => (await import('./commands/impair.js')).impair(nic, flags, context),
)
  .option('--delay <time>', 'each frame waits so long, such as 50ms')
  .option('--jitter <time>', 'so much longer or shorter')
  .option('--loss <share>', 'frames that are lost, such as 1%')
  .option('--corrupt <share>', 'frames with a bit turned over')
  .option('--reorder <share>', 'frames that overtake others')
  .option('--rate <rate>', 'as on a line of this rate, such as 10mbit')
  .option('--clear', 'nothing of all that any more')
  .option(...noWait);
verb(
  'recover [lab]',
  'bring a run that was killed to a clean end: of one lab, or of all',
  async (context, lab, flags) => (await import('./commands/recover.js')).recover(lab, flags, context),
).option(...noWait);
verb(
  'confirm <lab>',
  'keep the uplink that a provision with --confirm has moved: from another shell, by file or name',
  async (context, lab, flags) => (await import('./commands/confirm.js')).confirm(lab, flags, context),
);
verb(
  'guard <lab>',
  'watch a provision from outside; started by it, not by people',
  async (context, lab, flags) => (await import('./commands/recover.js')).guard(lab, flags, context),
  program,
  true,
)
  .requiredOption('--watch <process>')
  .requiredOption('--deadline <ms>');
verb(
  'destroy <lab>',
  'remove all that a lab made and give its uplinks back: by file or name',
  async (context, lab, flags) => (await import('./commands/destroy.js')).destroy(lab, flags, context),
)
  .option('--dry-run', 'print the plan and change nothing')
  .option(...noWait)
  .option('--network-only', 'leave libvirt alone')
  .option(
    '--force',
    'delete a bridge although ports that vmnet did not make are on it, a tap although a guest of somebody else has it open, and a namespace although processes run in it',
  );
const lifecycleVerbs = () => import('./commands/lifecycle.js');
const shutdownTime = [
  '--timeout <seconds>',
  'how long each guest has to shut down before its plug is pulled (default: 60)',
] as const;
const pullPlug = ['--force', 'pull the plug at once'] as const;
verb(
  'start <lab> [vm...]',
  'start VMs of a provisioned lab, and those that they depend on, in order: by file or name',
  async (context, lab, vms, flags) => (await lifecycleVerbs()).start(lab, vms, flags, context),
)
  .option(...yes)
  .option(...noWait);
verb(
  'stop <lab> [vm...]',
  'shut VMs of a lab down, those that depend on others first; they stay defined',
  async (context, lab, vms, flags) => (await lifecycleVerbs()).stop(lab, vms, flags, context),
)
  .option(...shutdownTime)
  .option(...pullPlug)
  .option(...noWait);
verb(
  'restart <lab> [vm...]',
  'stop VMs of a lab and start them again; those that depend on them go on',
  async (context, lab, vms, flags) => (await lifecycleVerbs()).restart(lab, vms, flags, context),
)
  .option(...shutdownTime)
  .option(...pullPlug)
  .option(...noWait);
verb(
  'exec <name> <command...>',
  'run a command in a namespace of a lab: vmnet exec NAME -- CMD; the name alone, or LAB/NAME',
  async (context, name, words, flags) =>
    (await import('./commands/exec.js')).exec(name, words, flags, context),
).option('--lab <lab>', 'whose namespace, by file or name');
verb('status [lab]', 'show the VMs, namespaces and links of a lab, or of all', async (context, lab, flags) =>
  (await import('./commands/status.js')).status(lab, flags, context),
);
const enableVerbs = () => import('./commands/enable.js');
verb(
  'enable <lab>',
  'have the network plane of a provisioned lab come back at each boot: by file or name',
  async (context, lab, flags) => (await enableVerbs()).enable(lab, flags, context),
);
verb('disable <lab>', 'undo that; what is up stays up', async (context, lab, flags) =>
  (await enableVerbs()).disable(lab, flags, context),
);
verb(
  'boot <name>',
  'bring a network plane back after a reboot; started by the unit of enable, not by people',
  async (context, name, flags) => (await import('./commands/provision.js')).boot(name, flags, context),
  program,
  true,
);
verb(
  'ssh <vm> [command...]',
  'log in to a VM, or run a command there: vmnet ssh VM -- CMD; the name alone, or LAB/VM',
  async (context, vm, words, flags) => (await import('./commands/ssh.js')).ssh(vm, words, flags, context),
)
  .option('--user <name>', "log in as this user (default: cloud-init's first, else the image's own)")
  .option('--identity <file>', "with this private key (default: one in ~/.ssh that the lab's sshKeys name)");
verb(
  'console <vm>',
  "attach to a VM's serial console, until Ctrl-]: by its name, or as LAB/VM",
  async (context, vm, flags) => (await import('./commands/console.js')).console_(vm, flags, context),
).option('--log', 'print what it has said so far instead');
verb(
  'hosts <lab>',
  'print the names and addresses of the VMs as lines for /etc/hosts: by file or name',
  async (context, lab, flags) => (await import('./commands/hosts.js')).hosts(lab, flags, context),
)
  .option('--format <format>', 'hosts, or ssh-config for ~/.ssh/config', 'hosts')
  .option(
    '--write [file]',
    "keep them in a block of that file (default: /etc/hosts, or the user's ~/.ssh/config)",
  )
  .option('--remove', 'take the blocks that were written out again');
verb('list', 'list the labs on this host', async (context, flags) =>
  (await import('./commands/list.js')).list(flags, context),
);
verb('init [file]', 'write a starter lab', async (context, file, flags) =>
  (await import('./commands/init.js')).init(file ?? 'lab.json', flags, context),
)
  .option('--template <name>', 'which one', 'homelab')
  .option('--uplink <interface>', "the NIC to bridge, in the template's eth0's place")
  .option('--list', 'list the templates')
  .option('--force', 'overwrite the file');
verb('validate <file>', 'check a lab file and report every problem', async (context, file, flags) =>
  (await import('./commands/validate.js')).validate(file, flags, context),
).option('--resolved', 'print the lab with defaults, groups and counts resolved, as a lab file');
verb(
  'doctor [file]',
  'tell whether this host, and what a lab needs of it, is in order',
  async (context, file, flags) => (await import('./commands/doctor.js')).doctor(file, flags, context),
);
verb('schema', 'print the JSON Schema of lab files', async (context, flags) =>
  (await import('./commands/schema.js')).schema(flags, context),
);
verb('xml <file> [vm]', 'print the domain XML that would be defined', async (context, file, vm, flags) =>
  (await import('./commands/xml.js')).xml(file, vm, flags, context),
)
  .option('--interfaces', 'only the network cards, for a domain that something else defines')
  .option('--nic <index>', 'only this network card, counted from 0');
verb(
  'rehearse <file>',
  'play a lab through on a throw-away host and compare before with after',
  async (context, file, flags) => (await import('./commands/rehearse.js')).rehearse(file, flags, context),
);

const sandbox = program
  .command('sandbox')
  .description('throw-away hosts: namespaces with a libvirtd and a LAN of their own')
  .exitOverride();
const sandboxVerbs = () => import('./commands/sandbox.js');
verb(
  'up <name>',
  'make one',
  async (context, name, flags) => (await sandboxVerbs()).up(name, flags, context),
  sandbox,
)
  .option('--lab <file>', "give it the lab's uplinks as NICs")
  .option('--uplink <interface>', 'name of its only NIC, where no lab is given', 'eth0');
verb(
  'exec <name> <command...>',
  'run a command in one: vmnet sandbox exec NAME -- CMD',
  async (context, name, words, flags) => (await sandboxVerbs()).exec(name, words, flags, context),
  sandbox,
).option('--lan', "run it on the LAN's side");
verb(
  'down <name>',
  'take one down with everything in it',
  async (context, name, flags) => (await sandboxVerbs()).down(name, flags, context),
  sandbox,
);
verb(
  'list',
  'list those that are up',
  async (context, flags) => (await sandboxVerbs()).list(flags, context),
  sandbox,
);

program.parseAsync().catch(error => {
  if (!(error instanceof CommanderError)) throw error;
  // Help and version were asked for; everything else is a wrong command line.
  if (error.exitCode === 0) return;
  const name = program.args.find(word => program.commands.some(command => command.name() === word)) ?? '';
  const usage = new VmnetError('usage', error.message.replace(/^error: /, ''), usageHint(name));
  process.exitCode = failed(name, null, usage, {
    ...program.opts(),
    json: process.argv.includes('--json'),
  });
});

function usageHint(name: string): string {
  const dashes = ['exec', 'ssh'].some(it => process.argv.includes(it))
    ? ' Put -- before the command to run.'
    : '';
  return `vmnet ${name ? `${name} ` : ''}--help tells what it takes.${dashes}`;
}
