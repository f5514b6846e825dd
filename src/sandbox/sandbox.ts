import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { quote } from '../lab/quote.js';
import { TEMPLATES } from '../place.js';
import { isRunning } from '../process.js';
import { layCables } from './cables.js';
import { endHolder, enter, type Holder, startHolder } from './holder.js';
import type { SandboxNic } from './network.js';

/**
 * A throw-away host: mount, network and process namespaces with a private libvirtd, whose NICs are cables to a
 * second network namespace, the LAN. Nothing of it is seen from outside but two processes and one small file.
 */
export interface Sandbox {
  readonly name: string;
  readonly host: Holder;
  readonly lan: Holder;
  /** The process that made it for its own use and takes it down; null where a person did. */
  readonly owner: Holder | null;
}

export interface SandboxOptions {
  readonly nics: readonly SandboxNic[];
  /** Let the private libvirtd see /dev/kvm: only where it was proven to work. */
  readonly kvm: boolean;
  /** Start an Open vSwitch of its own. */
  readonly ovs?: boolean;
  readonly owner: Holder | null;
}

const ROOT = '/run/vmnet/sandboxes';
const SCRIPTS = new URL('sandbox/', TEMPLATES);
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/;

/** Make a sandbox: under two seconds. Throws `conflict` where one of that name is up. */
export async function sandboxUp(name: string, options: SandboxOptions, drivers: Drivers): Promise<Sandbox> {
  if (!NAME.test(name)) {
    throw new VmnetError(
      'usage',
      `a sandbox cannot be called ${quote(name)}`,
      'Use up to 48 letters, digits, - and _.',
    );
  }
  if (await find(name))
    throw new VmnetError('conflict', `the sandbox ${name} is up already`, `vmnet sandbox down ${name}`);
  const lan = await startHolder(new URL('lan.sh', SCRIPTS), [], "the sandbox's LAN");
  let host: Holder | null = null;
  try {
    host = await startHolder(
      new URL('host.sh', SCRIPTS),
      [options.kvm ? 'kvm' : 'no-kvm', options.ovs ? 'ovs' : 'no-ovs'],
      'the sandbox',
    );
    const sandbox = { name, host, lan, owner: options.owner };
    await layCables(sandbox, options.nics, drivers);
    await mkdir(ROOT, { recursive: true, mode: 0o700 });
    await writeFile(fileOf(name), JSON.stringify(sandbox), { mode: 0o600 });
    return sandbox;
  } catch (error) {
    if (host) await endHolder(host);
    await endHolder(lan);
    throw error;
  }
}

/** Take a sandbox down with everything in it. Returns false where there was none. */
export async function sandboxDown(name: string): Promise<boolean> {
  const sandbox = await read(name);
  if (sandbox === null) return false;
  await endHolder(sandbox.host);
  await endHolder(sandbox.lan);
  await rm(fileOf(name), { force: true });
  for (const folder of [ROOT, join(ROOT, '..')]) await rmdir(folder).catch(() => {}); // others may be in use
  return true;
}

/** The sandboxes that are up. */
export async function sandboxes(): Promise<Sandbox[]> {
  const files = await readdir(ROOT).catch(() => [] as string[]);
  const all = await Promise.all(files.map(file => find(file.replace(/\.json$/, ''))));
  return all.filter(sandbox => sandbox !== null);
}

/** Take down sandboxes whose owner was killed before it could do so. */
export async function sweep(): Promise<void> {
  for (const sandbox of await sandboxes()) {
    if (sandbox.owner && !(await isRunning(sandbox.owner))) await sandboxDown(sandbox.name);
  }
}

/** A sandbox that is up, by name. Throws `usage` where there is none. */
export async function getSandbox(name: string): Promise<Sandbox> {
  const sandbox = await find(name);
  if (sandbox) return sandbox;
  const names = (await sandboxes()).map(other => other.name).join(', ');
  throw new VmnetError(
    'usage',
    `there is no sandbox ${quote(name)}`,
    names ? `Up are: ${names}.` : 'Make it: vmnet sandbox up NAME',
  );
}

/** Command that runs `words` on the sandbox's host or LAN, in our working folder: entering a mount namespace leaves it. */
export const inSandbox = (sandbox: Sandbox, side: 'host' | 'lan', words: readonly string[]): string[] => [
  ...enter(sandbox[side]),
  'sh',
  '-c',
  'cd "$1" && shift && exec "$@"',
  'sandbox', // what the shell calls itself where it cannot run the command
  process.cwd(),
  ...words,
];

/** Variables that would lead a command inside to the world outside. */
export const SANDBOX_ENV = {
  LIBVIRT_DEFAULT_URI: 'qemu:///system',
  VMNET_STATE_DIR: '/run/vmnet-state',
} as const;

async function find(name: string): Promise<Sandbox | null> {
  const sandbox = await read(name);
  return sandbox && (await isRunning(sandbox.host)) ? sandbox : null;
}

async function read(name: string): Promise<Sandbox | null> {
  const text = NAME.test(name) ? await readFile(fileOf(name), 'utf8').catch(() => null) : null;
  return text === null ? null : (JSON.parse(text) as Sandbox);
}

const fileOf = (name: string) => join(ROOT, `${name}.json`);
