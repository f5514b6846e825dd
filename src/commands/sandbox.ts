import { spawn } from 'node:child_process';
import { VmnetError } from '../errors.js';
import { buildProbe } from '../guest/build.js';
import { type KvmState, proveKvm } from '../guest/kvm.js';
import { loadLab } from '../lab/load.js';
import { IFNAME_PATTERN } from '../lab/patterns.js';
import { quote } from '../lab/quote.js';
import { machineFor } from '../render/machine.js';
import { networkFor, plainNetwork } from '../sandbox/network.js';
import { getSandbox, inSandbox, SANDBOX_ENV, sandboxDown, sandboxes, sandboxUp } from '../sandbox/sandbox.js';
import type { Context, Outcome } from './command.js';

export interface SandboxFlags {
  /** Lab file whose uplinks become the sandbox's NICs. */
  readonly lab?: string;
  /** Name of the only NIC, where no lab is given. */
  readonly uplink: string;
}

/** Make a throw-away host. */
export async function up(
  name: string,
  flags: SandboxFlags,
  { drivers, reporter }: Context,
): Promise<Outcome> {
  if (!new RegExp(IFNAME_PATTERN).test(flags.uplink) || flags.uplink === 'lo') {
    throw new VmnetError(
      'usage',
      `--uplink: ${quote(flags.uplink)} cannot be the name of a NIC`,
      'Use up to 15 letters, digits, dots, - and _; lo is taken.',
    );
  }
  const lab = flags.lab ? await loadLab(flags.lab) : null;
  const nics = lab ? networkFor(lab) : [plainNetwork(flags.uplink)];
  const ovs = lab?.bridges.some(({ type }) => type === 'ovs') ?? false;
  const kvm = (await kvmState(drivers)).state === 'works';
  const sandbox = await sandboxUp(name, { nics, kvm, ovs, owner: null }, drivers);
  const lines = nics.map(
    nic => `  ${nic.name}: ${nic.host.join(' ') || 'no address'}; on the LAN's side: ${nic.lan.join(' ')}`,
  );
  reporter.print(
    [
      `The sandbox ${name} is up, with its own libvirtd.`,
      ...lines,
      `Run something in it: vmnet sandbox exec ${name} -- ip addr`,
    ].join('\n'),
  );
  return { more: { sandbox: { name, pid: sandbox.host.pid, lanPid: sandbox.lan.pid, nics } } };
}

export async function down(name: string, _flags: object, { reporter }: Context): Promise<Outcome> {
  const was = await sandboxDown(name);
  reporter.print(
    was ? `The sandbox ${name} is down; everything in it has ended.` : `There is no sandbox ${name}.`,
  );
  return {};
}

export async function list(_flags: object, { reporter }: Context): Promise<Outcome> {
  const names = (await sandboxes()).map(sandbox => sandbox.name);
  reporter.print(names.length > 0 ? names.join('\n') : 'No sandbox is up.');
  return { more: { sandboxes: names } };
}

/** Run a command inside; its exit code becomes ours. */
export async function exec(
  name: string,
  words: readonly string[],
  flags: { lan?: boolean },
  _context: Context,
): Promise<Outcome> {
  const sandbox = await getSandbox(name);
  return { exitCode: await runInside(inSandbox(sandbox, flags.lan ? 'lan' : 'host', words)) };
}

/** Give a command our terminal and wait for it. */
export function runInside(words: readonly string[]): Promise<number> {
  const [file = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...SANDBOX_ENV } });
    child.once('error', error =>
      reject(new VmnetError('missing-tool', `${file}: ${error.message}`, null, error)),
    );
    child.once('close', (code, signal) => resolve(signal ? 130 : (code ?? 1)));
  });
}

/** Proven outside, because inside there is no way to tell a hidden device from an absent one. */
export async function kvmState(drivers: Context['drivers']): Promise<KvmState> {
  try {
    return await proveKvm(drivers, () => buildProbe(drivers), machineFor(process.arch).arch);
  } catch (error) {
    if (error instanceof VmnetError) return { state: 'absent', why: error.message };
    throw error;
  }
}
