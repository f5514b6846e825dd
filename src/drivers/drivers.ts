import { resolve } from 'node:path';
import type { Hypervisor } from '#libvirt';
import { type Blocks, makeBlocks } from './blocks.js';
import { type Captures, makeCaptures } from './capture.js';
import { type Doors, makeDoors } from './doors.js';
import { type Files, makeFiles } from './files.js';
import { type Images, makeImages } from './images.js';
import { type Inspect, makeInspect } from './inspect.js';
import { type Iproute2, makeIproute2 } from './iproute2.js';
import { type Iptables, makeIptables } from './iptables.js';
import { type Journals, makeJournals } from './journal.js';
import { type Kernel, makeKernel } from './kernel.js';
import { type Connection, makeConnection } from './libvirt-user.js';
import { type Locks, makeLocks } from './lock.js';
import { makeNamespace, type ThrowAwayNamespace } from './namespace.js';
import { makeNamespaces, type Namespaces } from './netns.js';
import { makeNftables, type Nftables } from './nftables.js';
import { makeOvs, type Ovs } from './ovs.js';
import { makePorts, type Ports } from './port.js';
import { makeProcesses, type Processes } from './processes.js';
import { makeRecords, type Records } from './records.js';
import { makeRun, type Run, type Trace } from './run.js';
import { makeRunScript } from './scripts.js';
import { makeSeeds, type Seeds } from './seeds.js';
import { observeSession, type Session } from './session.js';
import { makeSystemd, type Systemd } from './systemd.js';
import { makeTrafficControl, type TrafficControl } from './tc.js';
import { makeWires, type Wires } from './wire.js';

/** All ways to reach one host, as one plain object. Made by cli.ts and index.ts only; fakes hold state. */
export interface Drivers {
  readonly run: Run;
  readonly ip: Iproute2;
  readonly nft: Nftables;
  readonly iptables: Iptables;
  readonly tc: TrafficControl;
  readonly ovs: Ovs;
  readonly kernel: Kernel;
  readonly inspect: Inspect;
  readonly files: Files;
  readonly blocks: Blocks;
  readonly images: Images;
  readonly seeds: Seeds;
  readonly processes: Processes;
  readonly records: Records;
  readonly journals: Journals;
  readonly systemd: Systemd;
  /** Below /run, by network namespace: two namespaces do not disturb each other. */
  readonly locks: Locks;
  /** Taps of our own that we speak and listen through. */
  readonly port: Ports;
  readonly capture: Captures;
  /** Who started this run, and from where. */
  readonly session: () => Promise<Session>;
  readonly namespace: () => Promise<ThrowAwayNamespace>;
  /** Network namespaces with a name. */
  readonly namespaces: Namespaces;
  /** At taps, to speak to one guest alone. */
  readonly doors: Doors;
  /** Frames of our own across veths. */
  readonly wires: Wires;
  /** The connection to libvirt: opened by the first call, shared by all later ones. */
  readonly libvirt: () => Promise<Hypervisor>;
  /** Which libvirt that is. */
  readonly connection: Connection;
  /** Where labs are kept, and what is below {@link guestDir}; absolute. */
  readonly stateDir: string;
  /** Where consoles and disks are kept: by user, where libvirt is a user's own. */
  readonly guestDir: string;
  /** Where the probe guest and its kernel are kept; absolute. */
  readonly cacheDir: string;
  close(): Promise<void>;
}

export interface DriverOptions {
  /** libvirt's URI; default: that of the lab's record, LIBVIRT_DEFAULT_URI, else `qemu:///system`. */
  readonly connect?: string | undefined;
  /** Default: VMNET_STATE_DIR, else `/var/lib/vmnet`. */
  readonly stateDir?: string | undefined;
  /** Default: VMNET_CACHE_DIR, else `/var/cache/vmnet`. */
  readonly cacheDir?: string | undefined;
  readonly trace?: Trace;
}

export function makeDrivers(options: DriverOptions, env: NodeJS.ProcessEnv): Drivers {
  env.PATH = withAdminFolders(env.PATH ?? '');
  const trace = options.trace ?? (() => {});
  const stateDir = resolve(options.stateDir ?? (env.VMNET_STATE_DIR || '/var/lib/vmnet'));
  const caller = { uid: process.getuid?.() ?? 0, sudoUid: env.SUDO_UID };
  const connection = makeConnection(options.connect, env.LIBVIRT_DEFAULT_URI, caller);
  const run = makeRun(trace);
  const hypervisors = new Map<string, Promise<Hypervisor>>();
  const kernel = makeKernel(trace);
  const locks = makeLocks(run, async () => `/run/vmnet/locks/${(await kernel.netns()).replace(/\D/g, '')}`);
  const files = makeFiles();
  const batches = `${stateDir}/batches`;
  const runScript = makeRunScript(run, batches, locks.descriptors);
  return {
    run,
    ip: makeIproute2(run, batches, locks.descriptors),
    iptables: makeIptables(run, locks.descriptors),
    nft: makeNftables(run, runScript, trace),
    tc: makeTrafficControl(run, runScript),
    ovs: makeOvs(run, kernel.exists, env.OVS_RUNDIR, locks.descriptors),
    kernel,
    inspect: makeInspect(),
    locks,
    files,
    blocks: makeBlocks(run),
    images: makeImages(run, files, stateDir),
    seeds: makeSeeds(run, files),
    systemd: makeSystemd(run),
    processes: makeProcesses(trace, kernel.hasSystemd),
    records: makeRecords(stateDir),
    journals: makeJournals(stateDir),
    port: makePorts(),
    capture: makeCaptures(trace),
    session: () => observeSession(env, process.stdin.isTTY === true),
    namespace: makeNamespace,
    namespaces: makeNamespaces(run),
    doors: makeDoors(),
    wires: makeWires(),
    async libvirt() {
      const { uri } = connection;
      let open = hypervisors.get(uri);
      if (open === undefined) {
        connection.check();
        open = import('#libvirt').then(({ Hypervisor }) => Hypervisor.open(uri, { trace }));
        hypervisors.set(uri, open);
      }
      return open;
    },
    connection,
    stateDir,
    get guestDir() {
      return guestDirOf(stateDir, connection);
    },
    cacheDir: resolve(options.cacheDir ?? (env.VMNET_CACHE_DIR || '/var/cache/vmnet')),
    async close() {
      for (const hypervisor of hypervisors.values())
        await hypervisor.then(open => open.close()).catch(() => {});
    },
  };
}

/** Programs for administrators lie where an ordinary user's PATH does not look, and sudo may keep that PATH. */
function withAdminFolders(path: string): string {
  const folders = path.split(':');
  return [...folders, ...ADMIN_FOLDERS.filter(folder => !folders.includes(folder))].join(':');
}

const ADMIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function guestDirOf(stateDir: string, connection: Connection): string {
  try {
    const user = connection.user();
    return user === null ? stateDir : `${stateDir}/users/${user.uid}`;
  } catch {
    return stateDir;
  }
}
