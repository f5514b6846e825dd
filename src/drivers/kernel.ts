import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { VmnetError } from '../errors.js';
import { capabilitiesIn } from './inspect.js';
import type { Trace } from './run.js';

/** The kernel's files: /proc and /sys. */
export interface Kernel {
  bootId(): Promise<string>;
  /** Inode of our network namespace, as in `net:[4026531840]`. */
  netns(): Promise<string>;
  release(): Promise<string>;
  /** Value below /proc/sys by path (`net/ipv4/ip_forward`), or null where this kernel has none. */
  readSysctl(path: string): Promise<string | null>;
  /** Every value directly below a folder of /proc/sys, by path; what cannot be read is left out. */
  readSysctls(folder: string): Promise<Record<string, string>>;
  /** Throws `command-failed` or `permission` with the path. */
  writeSysctl(path: string, value: string): Promise<void>;
  /** Is this interface Wi-Fi? */
  isWireless(name: string): Promise<boolean>;
  /** Are we in the network namespace of process 1? The host's managers and their files speak of no other. */
  inFirstNetwork(): Promise<boolean>;
  /** Is systemd process 1, and are we in its network namespace? Only then may it be asked for anything. */
  hasSystemd(): Promise<boolean>;
  /** Do we hold CAP_NET_ADMIN? */
  mayAdminister(): Promise<boolean>;
  exists(path: string): Promise<boolean>;
}

/** Linux: include/uapi/linux/capability.h. */
const CAP_NET_ADMIN = 12;

export function makeKernel(trace: Trace): Kernel {
  return {
    bootId: async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    netns: () => readlink('/proc/self/ns/net'),
    release: async () => (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim(),
    readSysctl: path => readFile(`/proc/sys/${path}`, 'utf8').then(text => text.trim(), absent),
    readSysctls,
    async writeSysctl(path, value) {
      const started = performance.now();
      const failure = await writeFile(`/proc/sys/${path}`, value).then(
        () => null,
        (error: Error) => error,
      );
      trace({
        what: `write ${value} to /proc/sys/${path}`,
        ms: performance.now() - started,
        outcome: failure?.message ?? 'ok',
      });
      if (failure) throw sysctlFailed(path, value, failure);
    },
    isWireless,
    inFirstNetwork,
    async hasSystemd() {
      const comm = await readFile('/proc/1/comm', 'utf8').catch(() => '');
      return comm.trim() === 'systemd' && (await inFirstNetwork());
    },
    async mayAdminister() {
      return capabilitiesIn(await readFile('/proc/self/status', 'utf8')).has(CAP_NET_ADMIN);
    },
    exists: path =>
      stat(path).then(
        () => true,
        () => false,
      ),
  };
}

async function readSysctls(folder: string): Promise<Record<string, string>> {
  const names = await readdir(`/proc/sys/${folder}`).catch(() => [] as string[]);
  const values = await Promise.all(
    names.map(name => readFile(`/proc/sys/${folder}/${name}`, 'utf8').catch(() => null)),
  );
  return Object.fromEntries(
    names.flatMap((name, i) => (values[i] == null ? [] : [[`${folder}/${name}`, values[i].trim()]])),
  );
}

async function inFirstNetwork(): Promise<boolean> {
  const theirs = await readlink('/proc/1/ns/net').catch(() => null);
  return theirs === (await readlink('/proc/self/ns/net'));
}

const isWireless = (name: string) =>
  Promise.any([stat(`/sys/class/net/${name}/wireless`), stat(`/sys/class/net/${name}/phy80211`)]).then(
    () => true,
    () => false,
  );

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

function sysctlFailed(path: string, value: string, error: NodeJS.ErrnoException): VmnetError {
  const refused = error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS';
  return new VmnetError(
    refused ? 'permission' : 'command-failed',
    `sysctl ${path.replaceAll('/', '.')} could not be set to ${value}: ${error.message}`,
    refused ? 'Run vmnet as root; in a container, /proc/sys/net must be writable.' : null,
    error,
  );
}
