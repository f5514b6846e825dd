import { VmnetError } from '../errors.js';
import { hasServices } from '../lab/has.js';
import type { Lab } from '../lab/model.js';
import { machineFor } from '../render/machine.js';
import type { Ground } from './ground.js';
import { about, type Finding, type Status } from './model.js';
import { type Family, familyOf, install, PACKAGES, type Package } from './packages.js';
import { isOlder, snapshotIn, versionIn } from './versions.js';

export interface Tool {
  readonly program: string;
  /** Makes it print its version, and do nothing else. */
  readonly args: readonly string[];
  readonly why: string;
  readonly from: Package;
  /** Null where any version will do. */
  readonly least: {
    readonly version: string;
    /** The same as {@link snapshotIn} tells it. */
    readonly day?: string;
    readonly for: string;
  } | null;
  /** What it means where it is missing. */
  readonly missing: Exclude<Status, 'ok'>;
}

/** What a lab needs; what it does not need is a warning where it is missing. */
export function toolsFor(lab: Lab | null, arch: string): Tool[] {
  const boots = new Set(lab?.vms.map(vm => vm.boot.kind));
  const tool = (
    program: string,
    from: Package,
    why: string,
    more: Partial<Omit<Tool, 'program' | 'from' | 'why'>> = {},
  ): Tool => ({ program, from, why, args: ['--version'], least: null, missing: 'fault', ...more });
  const ifProbe = boots.has('probe') ? 'fault' : 'warning';
  // Alternative names came with iproute2 5.4 (and Linux 5.5), JSON throughout before that.
  const altnames = { version: '5.4', day: '191125', for: 'alternative names (altname) and JSON' };
  // Tables with an owner came with nft 0.9.9.
  const owners = { version: '0.9.9', for: 'tables with an owner and sets with counters' };
  return [
    tool('ip', PACKAGES.iproute, 'Every link is made with it.', { args: ['-V'], least: altnames }),
    tool('bridge', PACKAGES.iproute, "The proof reads the bridge's MAC table with it.", { args: ['-V'] }),
    tool('nft', PACKAGES.nftables, 'The proof counts frames with it.', { least: owners }),
    tool('ping', PACKAGES.ping, 'It makes guests answer, and tells whether the gateway is still reached.', {
      args: ['-V'],
    }),
    tool('unshare', PACKAGES.utilLinux, 'Throw-away namespaces are made with it.'),
    tool('nsenter', PACKAGES.utilLinux, 'Throw-away namespaces are entered with it.'),
    tool('flock', PACKAGES.utilLinux, 'It keeps two runs from meeting.'),
    tool('tcpdump', PACKAGES.tcpdump, 'It captures frames as evidence.', { missing: 'warning' }),
    tool('qemu-img', PACKAGES.qemuImg, 'It makes the disks of VMs that boot an image.', {
      missing: boots.has('image') ? 'fault' : 'warning',
    }),
    tool(`qemu-system-${arch}`, PACKAGES.qemu, 'It runs the guests, and proves KVM.', { missing: 'warning' }),
    tool('busybox', PACKAGES.busybox, 'The probe guest is made of it.', { args: [], missing: ifProbe }),
    tool('dnsmasq', PACKAGES.dnsmasq, 'It serves DHCP and DNS on bridges with "dhcp".', {
      missing: lab && hasServices(lab) ? 'fault' : 'warning',
    }),
    tool('cpio', PACKAGES.cpio, 'It packs the probe guest.', { missing: ifProbe }),
  ];
}

export async function lookAtTools({ drivers, lab }: Ground): Promise<Finding[]> {
  const family = familyOf((await drivers.files.read('/etc/os-release')) ?? '');
  const tools = toolsFor(lab, machineFor(process.arch).arch);
  return Promise.all(tools.map(async tool => judgeTool(tool, await printedBy(tool, drivers.run), family)));
}

/** Milliseconds for a program to say its version. */
const PATIENCE = 10_000;

/** All that it printed; null where it is not installed. */
async function printedBy(tool: Tool, run: Ground['drivers']['run']): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(tool.program, tool.args, {
      allowFailure: true,
      timeoutMs: PATIENCE,
    });
    return `${stdout}\n${stderr}`;
  } catch (error) {
    if (error instanceof VmnetError && error.code === 'missing-tool') return null;
    throw error;
  }
}

export function judgeTool(tool: Tool, printed: string | null, family: Family): Finding {
  const it = about(`tool-${tool.program}`, tool.program, tool.why);
  const fix = install(tool.from, family);
  if (printed === null) return it[tool.missing]('is not installed', fix);
  const day = snapshotIn(printed);
  const version = versionIn(printed);
  const told = version ?? (day ? `of ${day}` : (/\b\d{8}\b/.exec(printed)?.[0] ?? null));
  const { least } = tool;
  const old =
    version !== null ? isOlder(version, least?.version ?? '0') : day !== null && day < (least?.day ?? '');
  if (least && old)
    return it.fault(
      `${told} is too old: ${least.for} need ${least.version}`,
      `${fix}, from a newer release of the distribution`,
    );
  return it.ok(told ?? 'installed; it does not tell its version');
}
