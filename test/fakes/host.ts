import type { Drivers } from '../../src/drivers/drivers.js';
import type { BatchOptions, IpJson } from '../../src/drivers/iproute2.js';
import { nicsIn } from '../../src/drivers/libvirt/nics.js';
import { VmnetError } from '../../src/errors.js';
import { parseMark } from '../../src/host/libvirt.js';
import type {
  DockerChain,
  DomainState,
  FirewallRule,
  ForwardDrop,
  HostState,
  ImageState,
  KernelLack,
  LabRecord,
  Learned,
  LibvirtUser,
  Link,
  Manager,
  Owner,
  Queue,
  Renewer,
  TableState,
} from '../../src/host/model.js';
import { bridgesIn } from '../../src/host/ovs.js';
import { runIpLine } from './ip.js';
import { restore } from './iptables.js';
import { FakeKernel, type FakeLink } from './kernel.js';
import { loadTables } from './nft.js';
import type { FakeOvs } from './ovs.js';
import { fakeProcesses, servicesOf } from './processes.js';
import { FakeSpaces } from './spaces.js';
import { runTcLine } from './tc.js';
import { runBridgeLine, seenVlans } from './vlans.js';

export const STATE_DIR = '/var/lib/vmnet';

/** What a new interface starts with. */
const DEFAULTS = {
  'net/ipv6/conf/default/addr_gen_mode': '0',
  'net/ipv6/conf/default/accept_dad': '1',
  'net/ipv6/conf/default/disable_ipv6': '0',
  'net/ipv6/conf/default/accept_ra': '1',
  'net/ipv6/conf/default/autoconf': '1',
  'net/ipv6/conf/default/forwarding': '0',
  'net/ipv6/neigh/default/gc_stale_time': '60',
  'net/ipv6/conf/default/force_forwarding': '0',
  'net/ipv4/conf/default/forwarding': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/conf/default/disable_xfrm': '0',
};

/** What runs is only listed where it is not what its definition says. */
const asListed = (domain: DomainState): DomainState =>
  JSON.stringify(domain.liveMark) === JSON.stringify(domain.mark) ? { ...domain, liveXml: null } : domain;

/** A machine with a kernel, libvirt and files, whose drivers change it and whose state can be looked at. */
export class FakeHost {
  readonly kernel = new FakeKernel();
  /** null where there is none. */
  ovs: FakeOvs | null = null;
  /** What the kernel cannot do, where a lab wants it. */
  lacks: KernelLack[] = [];
  readonly spaces = new FakeSpaces(this.kernel);
  readonly domains = new Map<string, DomainState>();
  readonly files = new Set<string>();
  readonly records = new Map<string, LabRecord>();
  /** Everything that was asked of the drivers, in order. */
  readonly calls: string[] = [];
  /** Texts of those files that were written as such. */
  readonly texts = new Map<string, string>();
  /** Command lines of dnsmasq that run. */
  dnsmasq: (readonly string[])[] = [];
  readonly wireless: string[] = [];
  readonly users: { asked: string; name: string; id: number }[] = [];
  images: ImageState[] = [];
  /** Bytes. */
  space = { free: 1e12, total: 2e12 };
  readonly firewall: FirewallRule[] = [];
  readonly fdb: Learned[] = [];
  /** Taps that some process has open which is no guest. */
  readonly openTaps = new Set<string>();
  /** DHCP clients that run. */
  renewers: Renewer[] = [];
  /** What is under way, by lab. */
  readonly pending = new Map<string, { entry: unknown; words: string[] }>();
  /** Makes whatever call it returns an error for fail. */
  fault: (call: string) => Error | null = () => null;
  owners: Record<string, Owner[]> = {};
  managers: Manager[] = [];
  /** Tables of nftables, by family and name. */
  readonly tables = new Map<string, TableState>();
  forwardDrops: ForwardDrop[] = [];
  docker: DockerChain[] = [];
  /** Queueing disciplines at the way out of taps. */
  readonly queues = new Map<string, Queue>();
  bootId = 'boot-1';
  /** Whose libvirt it is; null where it is that of the host. */
  libvirtUser: LibvirtUser | null = null;
  /** To whom files were given. */
  readonly fileOwners = new Map<string, number>();

  get guestDir(): string {
    return this.libvirtUser === null ? STATE_DIR : `${STATE_DIR}/users/${this.libvirtUser.uid}`;
  }

  constructor() {
    for (const table of ['iptables', 'ip6tables', 'arptables'])
      this.kernel.sysctls.set(`net/bridge/bridge-nf-call-${table}`, '1');
    for (const [path, value] of Object.entries(DEFAULTS)) this.kernel.sysctls.set(path, value);
    this.kernel.add({
      name: 'lo',
      kind: null,
      type: 'loopback',
      mac: '00:00:00:00:00:00',
      mtu: 65536,
      up: true,
    });
  }

  observe(): HostState {
    const { kernel } = this;
    return structuredClone({
      bootId: this.bootId,
      netns: 'net:[1]',
      links: kernel.links.map(link => this.#seen(link)),
      routes: kernel.sortedRoutes(),
      rules: kernel.rules,
      neighbours: kernel.neighbours,
      nexthops: kernel.nexthops,
      sysctls: Object.fromEntries(kernel.sysctls),
      wireless: this.wireless,
      firewall: this.firewall,
      fdb: this.fdb,
      renewers: this.renewers,
      owners: this.owners,
      managers: this.managers,
      tables: [...this.tables.values()],
      forwardDrops: this.forwardDrops,
      docker: this.docker,
      services: servicesOf(this),
      queues: [...this.queues.values()],
      disks: [...this.files].filter(path => path.startsWith(`${this.guestDir}/disks/`)),
      images: this.images,
      space: this.space,
      ...(Object.keys(seenVlans(kernel)).length > 0 ? { vlans: seenVlans(kernel) } : {}),
      lacks: this.lacks,
      ovs: this.ovs && {
        bridges: this.ovs.trouble === null ? bridgesIn(this.ovs.dump()) : [],
        trouble: this.ovs.trouble,
        kernelDatapath: this.ovs.hasKernelDatapath,
      },
      ...(this.spaces.folder ? { namespaces: this.spaces.state() } : {}),
      namespaceFolder: this.spaces.folder,
      accounts: { users: this.users, groups: [] },
      libvirt: { uri: 'qemu:///system', domains: [...this.domains.values()].map(asListed) },
      records: [...this.records.values()],
      ...(this.libvirtUser === null ? {} : { libvirtUser: this.libvirtUser }),
    });
  }

  #seen({ mtuIsSet, carrier, ...link }: FakeLink): Link {
    const running = link.up && (link.tap ? this.#isOpen(link.name) : carrier);
    const port = link.master === null ? null : running ? 'forwarding' : 'disabled';
    return {
      ...link,
      ...this.spaces.peerOf(link.name, null),
      isolated: link.master !== null && link.isolated,
      operState: running ? 'UP' : 'DOWN',
      carrier: running,
      portState: port,
    };
  }

  /** Has a guest, or another process, that tap? */
  #isOpen(tap: string): boolean {
    const uses = ({ state, nics }: DomainState) =>
      !['shutoff', 'crashed'].includes(state) && nics.some(({ target }) => target === tap);
    return this.openTaps.has(tap) || [...this.domains.values()].some(uses);
  }

  /** Drivers of this very host. */
  readonly drivers: Drivers = this.#drivers();

  #drivers(): Drivers {
    const host = this;
    const fakes = {
      stateDir: STATE_DIR,
      connection: {
        uri: 'qemu:///system',
        user: () => this.libvirtUser,
        follow: () => {},
        check: () => {},
      },
      get guestDir() {
        return host.guestDir;
      },
      ip: {
        batch: async (lines: readonly string[], options?: BatchOptions) => this.#batch(lines, options ?? {}),
        links: async () => this.kernel.links.map(linkJson),
        defaultRoutes6: async () => this.kernel.advertise(),
        sweep: async () => {},
        deleteLinks: async (names: readonly string[]) => {
          for (const name of names)
            await this.#call(`link del dev ${name}`, () => this.spaces.remove(null, name));
        },
      },
      get ovs() {
        return host.ovs?.drivers((call, act) => host.#call(call, act));
      },
      kernel: {
        bootId: async () => this.observe().bootId,
        netns: async () => this.observe().netns,
        hasSystemd: async () => false,
        readSysctl: async (path: string) => this.kernel.sysctls.get(path) ?? null,
        writeSysctl: (path: string, value: string) =>
          this.#call(`sysctl ${path}=${value}`, () => this.#writeSysctl(path, value)),
      },
      nft: {
        apply: (script: string) => this.#call(`nft ${script}`, () => loadTables(this.tables, script)),
      },
      namespaces: {
        exists: async (name: string) => this.spaces.names.includes(name),
        hasFolder: async () => this.spaces.folder,
        enter: (name: string) => [name],
        look: async () =>
          this.spaces.state().map(({ name, mark }) => ({
            name,
            links: mark === null ? [] : [{ ifname: 'lo', altnames: [mark] }],
          })),
        writeSysctls: (name: string, values: readonly (readonly [string, string])[]) =>
          this.#call(`in ${name}: ${values.map(([path]) => path).join(' ')}`, () =>
            this.spaces.writeSysctls(name, values),
          ),
        removeFolder: async () => {
          if (this.spaces.names.length === 0) this.spaces.folder = false;
        },
      },
      iptables: {
        restore: (program: string, script: string) =>
          this.#call(`${program} ${script}`, () => restore(this.docker, program, script)),
      },
      tc: {
        batch: async (lines: readonly string[], { force = false } = {}) => {
          for (const line of lines)
            await this.#call(`tc ${line}`, () => runTcLine(this, line)).catch((error: Error) => {
              if (!force) throw error;
            });
        },
      },
      files: {
        makeFolder: async () => {},
        makeEmptyFor: (path: string, uid: number) =>
          this.#call(`empty ${path} for ${uid}`, () => this.fileOwners.set(path, uid)),
        give: (path: string, uid: number) =>
          this.#call(`give ${path} to ${uid}`, () => this.fileOwners.set(path, uid)),
        read: async (path: string) =>
          this.texts.get(path) ?? (this.files.has(path) ? 'vmnet-probe: up\n' : null),
        write: (path: string, text: string) =>
          this.#call(`write ${path}`, () => {
            this.files.add(path);
            this.texts.set(path, text);
          }),
        remove: (path: string) => this.#call(`rm ${path}`, () => this.#removeFiles(path)),
        removeIfEmpty: async () => {},
        list: async (folder: string) => [...this.files].filter(path => path.startsWith(`${folder}/`)),
      },
      images: {
        makeOverlay: (path: string) => this.#call(`overlay ${path}`, () => this.files.add(path)),
        makeEmpty: (path: string) => this.#call(`disk ${path}`, () => this.files.add(path)),
      },
      seeds: { make: (path: string) => this.#call(`seed ${path}`, () => this.files.add(path)) },
      processes: fakeProcesses(this, call => this.#call(call, () => {})),
      // Gateways always answer here.
      run: async () => ({ stdout: '', stderr: '', exitCode: 0 }),
      journals: {
        begin: async (lab: string, entry: unknown) => void this.pending.set(lab, { entry, words: [] }),
        mark: async (lab: string, word: string) => void this.pending.get(lab)?.words.push(word),
        read: async (lab: string) => this.pending.get(lab) ?? null,
        words: async (lab: string) => this.pending.get(lab)?.words ?? null,
        end: async (lab: string) => void this.pending.delete(lab),
        labs: async () => [...this.pending.keys()],
      },
      locks: { sweep: async () => {} },
      records: {
        all: async () => [...this.records.values()],
        save: async (record: LabRecord) => void this.records.set(record.name, record),
        remove: async (name: string) => void this.records.delete(name),
        sweep: async () => {},
      },
      libvirt: async () => this.#libvirt,
    };
    return fakes as unknown as Drivers;
  }

  async #call(call: string, act: () => unknown): Promise<void> {
    await Promise.resolve(); // as a real one, it ends later than it begins
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault) throw fault;
    act();
    const has = (dev: string) => this.kernel.links.some(({ name }) => name === dev);
    for (const dev of this.queues.keys()) if (!has(dev)) this.queues.delete(dev);
  }

  /** A file, or a folder with all that is in it. */
  #removeFiles(path: string): void {
    for (const file of this.files)
      if (file === path || file.startsWith(`${path}/`)) {
        this.files.delete(file);
        this.texts.delete(file);
      }
  }

  #writeSysctl(path: string, value: string): void {
    if (!this.kernel.sysctls.has(path)) throw new VmnetError('command-failed', `there is no ${path}`);
    this.kernel.sysctls.set(path, value);
  }

  /** Stops at the first line that fails, unless forced. */
  async #batch(lines: readonly string[], { program, family, force, enter }: BatchOptions): Promise<void> {
    for (const line of lines) {
      try {
        await this.#call(`${program ?? 'ip'} ${family === 6 ? '-6 ' : ''}${line}`, () =>
          program === 'bridge' ? runBridgeLine(this.kernel, line) : this.#runLine(line, family, enter?.[0]),
        );
      } catch (error) {
        if (!force) throw new VmnetError('command-failed', `\`ip ${line}\`: ${(error as Error).message}`);
        if (/fake kernel/.test((error as Error).message)) throw error;
      }
    }
  }

  #runLine(line: string, family: 4 | 6 | undefined, namespace: string | undefined): void {
    if (namespace !== undefined) this.spaces.runInside(namespace, line);
    else if (!this.spaces.runOnHost(line)) runIpLine(this.kernel, line, family);
  }

  readonly #libvirt = {
    defineDomain: (xml: string) => this.#call(`define ${element(xml, 'name')}`, () => this.#define(xml)),
    undefine: (uuid: string) =>
      this.#call(`undefine ${uuid}`, () => void this.domains.delete(this.#domain(uuid).uuid)),
    create: (uuid: string) => this.#call(`create ${uuid}`, () => this.#start(uuid)),
    destroy: (uuid: string) => this.#call(`destroy ${uuid}`, () => this.#stop(uuid)),
    domainXml: async (uuid: string, { inactive = false }) => {
      const { xml, liveXml } = this.#domain(uuid);
      return (inactive ? xml : (liveXml ?? xml)) ?? '';
    },
    attachDevice: (uuid: string, card: string) =>
      this.#call(`attach to ${uuid}`, () => {
        this.kernel.link(/<target dev=["']([^"']+)/.exec(card)?.[1] ?? '');
        this.#rewire(uuid, xml => xml.replace('</devices>', `${card}</devices>`));
      }),
    detachDevice: (uuid: string, card: string) =>
      this.#call(`detach from ${uuid}`, () => this.#rewire(uuid, xml => without(xml, macIn(card)))),
    updateDevice: (uuid: string, card: string) =>
      this.#call(`update a card of ${uuid}`, () =>
        this.#rewire(uuid, xml => without(xml, macIn(card)).replace('</devices>', `${card}</devices>`)),
      ),
    setMetadata: (uuid: string, { xml }: { xml: string }) =>
      this.#call(`mark ${uuid}`, () => {
        this.domains.set(uuid, { ...this.#domain(uuid), liveMark: parseMark(xml) });
      }),
    setAutostart: (uuid: string, on: boolean) =>
      this.#call(`autostart ${uuid} ${on}`, () => {
        const { autostart: _, ...domain } = this.#domain(uuid);
        this.domains.set(uuid, { ...domain, ...(on ? { autostart: true } : {}) });
      }),
    state: async (uuid: string) => ({ state: this.#domain(uuid).state, reason: 0 }),
  };

  #domain(uuid: string): DomainState {
    const domain = this.domains.get(uuid);
    if (!domain) throw libvirtError(42);
    return domain;
  }

  #rewire(uuid: string, change: (xml: string) => string): void {
    const domain = this.#domain(uuid);
    this.domains.set(uuid, { ...domain, liveXml: change(domain.liveXml ?? domain.xml ?? '') });
  }

  #define(xml: string): void {
    const uuid = element(xml, 'uuid');
    const present = this.domains.get(uuid);
    this.domains.set(uuid, {
      name: element(xml, 'name'),
      uuid,
      state: present?.state ?? 'shutoff',
      mark: parseMark(xml.match(/<vmnet:endpoint [^>]*>/)?.[0] ?? null),
      liveMark: present?.liveMark ?? null,
      liveXml: present?.liveMark ? (present.liveXml ?? present.xml) : null,
      xml,
      nics: nicsIn(xml),
      ...(present?.autostart ? { autostart: true } : {}),
    });
  }

  #start(uuid: string): void {
    const domain = this.#domain(uuid);
    if (domain.state === 'running') throw libvirtError(55);
    for (const [, tap = ''] of (domain.xml ?? '').matchAll(/<target dev="([^"]+)" managed/g))
      this.kernel.link(tap);
    for (const { bridge, tap, card } of cardsOf(domain.xml ?? '')) this.#plug(bridge, tap, card);
    this.domains.set(uuid, { ...domain, state: 'running', liveMark: domain.mark, liveXml: null });
    this.files.add(/<log file="([^"]+)"/.exec(domain.xml ?? '')?.[1] ?? '');
  }

  /** libvirt makes tap and port in one, with the VLANs of the definition. */
  #plug(bridge: string, tap: string, card: string): void {
    this.kernel.add({
      name: tap,
      kind: 'tun',
      mac: 'fe:00:00:00:00:01',
      tap: { vnetHdr: true, multiQueue: false, persist: false },
      up: true,
    });
    const tags = [...card.matchAll(/<tag id="(\d+)"( nativeMode="untagged")?/g)];
    const native = tags.find(([, , mode]) => mode)?.[1];
    const trunk = card.includes('<vlan trunk="yes">');
    const columns = trunk
      ? [
          `trunks=[${tags.map(([, id]) => id).join(',')}]`,
          ...(native ? [`tag=${native}`, 'vlan_mode=native-untagged'] : []),
        ]
      : tags.map(([, id]) => `tag=${id}`);
    this.ovs?.transact([
      ['--may-exist', 'add-port', bridge, tap],
      ['--if-exists', 'set', 'Port', tap, ...columns],
    ]);
  }

  /** Taps that libvirt made as the guest started. */
  #plugged = ({ xml }: DomainState): string[] => cardsOf(xml ?? '').map(({ tap }) => tap);

  #stop(uuid: string): void {
    const domain = this.#domain(uuid);
    if (domain.state === 'shutoff') throw libvirtError(55);
    for (const tap of this.#plugged(domain)) {
      this.kernel.remove(tap);
      this.ovs?.removePort(tap);
    }
    this.domains.set(uuid, { ...domain, state: 'shutoff', liveMark: null, liveXml: null });
  }
}

/** Network cards on bridges of Open vSwitch. */
const cardsOf = (xml: string) =>
  [...xml.matchAll(/<interface type="bridge">[\s\S]*?<\/interface>/g)].map(([card]) => ({
    card,
    bridge: /<source bridge="([^"]+)"/.exec(card)?.[1] ?? '',
    tap: /<target dev="([^"]+)"/.exec(card)?.[1] ?? '',
  }));

const macIn = (card: string) => /<mac address=["']([^"']+)/.exec(card)?.[1] ?? '';

const without = (xml: string, mac: string) =>
  xml.replace(/\s*<interface [\s\S]*?<\/interface>/g, card => (macIn(card) === mac ? '' : card));

const element = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';

const libvirtError = (libvirtCode: number) =>
  Object.assign(new VmnetError('libvirt', `libvirt error ${libvirtCode}`), { libvirtCode });

/** As much of `ip -j -d address show` as finding a link and its addresses takes. */
const linkJson = (link: FakeLink): IpJson => ({
  ifindex: link.index,
  ifname: link.name,
  altnames: link.altnames,
  linkinfo: { info_kind: link.kind },
  addr_info: link.addresses.map(({ family, local, prefix, validLifetime }) => ({
    ...{ family: family === 4 ? 'inet' : 'inet6', local, prefixlen: prefix },
    ...(validLifetime === null ? {} : { valid_life_time: validLifetime }),
  })),
});
