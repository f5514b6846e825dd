import type { OvsTrouble } from '../../src/drivers/ovs.js';
import type {
  DockerChain,
  DomainState,
  FirewallRule,
  ForwardDrop,
  ImageState,
  KernelLack,
  Learned,
  Link,
  Manager,
  Owner,
  Renewer,
} from '../../src/host/model.js';
import { planDestroy } from '../../src/plan/destroy.js';
import { planProvision } from '../../src/plan/plan.js';
import { FakeHost, STATE_DIR } from './host.js';
import { runIpLine } from './ip.js';
import { carryOut, labFrom, renderContext } from './labs.js';
import { FakeOvs } from './ovs.js';
import { runBridgeLine } from './vlans.js';
import { addressFrom, neighbourFrom, routeFrom, ruleFrom, Words } from './words.js';

/** A host in few words; everything that is left out is a default. */
export interface HostDescription {
  /** By name. Addresses, like routes and all else, in ip's own words. */
  readonly links?: Readonly<Record<string, LinkDescription>>;
  /** Those of IPv6 begin with `-6`. */
  readonly routes?: readonly string[];
  readonly rules?: readonly string[];
  /** Nexthop objects; routes that use them come after. */
  readonly nexthops?: readonly string[];
  readonly neighbours?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly wireless?: readonly string[];
  /** Rules that have to do with an uplink; those of eth0 unless they say otherwise. */
  readonly firewall?: readonly (Omit<FirewallRule, 'device'> & Partial<FirewallRule>)[];
  /** Sysctls of every interface that this kernel does not have. */
  readonly without?: readonly string[];
  /** Numbers by name. */
  readonly users?: Readonly<Record<string, number>>;
  /** What bridges have learned: `MAC on PORT of BRIDGE`. */
  readonly fdb?: readonly string[];
  /** Taps that a process has open. */
  readonly openTaps?: readonly string[];
  readonly renewers?: readonly Renewer[];
  readonly images?: ImageState[];
  /** Bytes of the file system of disks. */
  readonly space?: { readonly free: number; readonly total: number };
  readonly owners?: Record<string, Owner[]>;
  readonly managers?: Manager[];
  /** Open vSwitch: commands of ovs-vsctl; its trouble; or `kernel`, where the kernel has its datapath. */
  readonly ovs?: readonly string[];
  readonly ovsTrouble?: OvsTrouble;
  readonly ovsInKernel?: boolean;
  readonly lacks?: KernelLack[];
  readonly forwardDrops?: ForwardDrop[];
  /** Docker's chains for rules of others. */
  readonly docker?: DockerChain[];
  readonly domains?: readonly (Pick<DomainState, 'name' | 'uuid'> & Partial<DomainState>)[];
  /** Lab files that were provisioned before, in this order, all refusals waived. */
  readonly applied?: readonly object[];
  /** Of these, the names of those that were destroyed again. */
  readonly destroyed?: readonly string[];
  /** What happened to the host since, as lines of ip. */
  readonly since?: readonly string[];
  /** The same as commands of ovs-vsctl. */
  readonly sinceOvs?: readonly string[];
  /** States that domains have come to since, by name. */
  readonly states?: Readonly<Record<string, string>>;
  /** Labs whose record was lost. */
  readonly forgotten?: readonly string[];
  readonly rebooted?: boolean;
}

export interface LinkDescription {
  readonly mac?: string;
  readonly mtu?: number;
  readonly up?: boolean;
  readonly type?: string;
  readonly kind?: string;
  readonly master?: string;
  readonly macvlan?: NonNullable<Link['macvlan']>;
  readonly addresses?: readonly string[];
}

/** Make a fake host as described. */
export async function hostFrom(description: HostDescription): Promise<FakeHost> {
  const host = new FakeHost();
  const { kernel } = host;
  for (const key of description.without ?? [])
    for (const path of [...kernel.sysctls.keys()]) if (path.endsWith(`/${key}`)) kernel.sysctls.delete(path);
  for (const [name, link] of Object.entries(description.links ?? {})) addLink(host, name, link);
  const routes = (description.routes ?? []).map(line => routeFrom(...byFamily(line)));
  for (const route of routes.filter(({ nhid }) => nhid === undefined))
    kernel.addRoute(route, route.protocol === 'ra' ? 'append' : 'add');
  for (const line of description.nexthops ?? [])
    runIpLine(kernel, `nexthop replace ${line.replace(/^-6 /, '')}`, line.startsWith('-6 ') ? 6 : 4);
  for (const route of routes.filter(({ nhid }) => nhid !== undefined)) kernel.addRoute(route, 'add');
  for (const route of routes)
    if (route.protocol === 'ra' && route.expires !== undefined && route.dev)
      kernel.routers.push({ wire: route.dev, route });
  for (const line of description.rules ?? []) kernel.addRule(ruleFrom(...byFamily(line)));
  for (const line of description.neighbours ?? []) kernel.replaceNeighbour(neighbourFrom(new Words(line)));
  for (const [path, value] of Object.entries(description.sysctls ?? {})) kernel.sysctls.set(path, value);
  host.wireless.push(...(description.wireless ?? []));
  host.firewall.push(...(description.firewall ?? []).map(rule => ({ device: 'eth0', ...rule })));
  host.fdb.push(...(description.fdb ?? []).map(learnedFrom));
  for (const [name, id] of Object.entries(description.users ?? {}))
    host.users.push({ asked: name, name, id });
  for (const tap of description.openTaps ?? []) host.openTaps.add(tap);
  if (description.ovs || description.ovsTrouble) host.ovs = new FakeOvs(kernel);
  for (const line of description.ovs ?? []) host.ovs?.transact([line.split(' ')]);
  if (host.ovs) {
    host.ovs.trouble = description.ovsTrouble ?? null;
    host.ovs.hasKernelDatapath = description.ovsInKernel ?? false;
  }
  host.lacks = description.lacks ?? [];
  host.owners = description.owners ?? {};
  host.managers = description.managers ?? [];
  host.forwardDrops = description.forwardDrops ?? [];
  host.docker = structuredClone(description.docker ?? []);
  host.images = description.images ?? [];
  if (description.space) host.space = description.space;
  host.renewers = [...(description.renewers ?? [])];
  for (const domain of description.domains ?? [])
    host.domains.set(domain.uuid, {
      state: 'shutoff',
      mark: null,
      liveMark: null,
      xml: null,
      nics: [],
      ...domain,
    });
  for (const file of description.applied ?? []) await apply(host, file);
  for (const name of description.destroyed ?? []) {
    await carryOut(planDestroy(name, host.observe(), STATE_DIR), host);
    host.records.delete(name);
  }
  for (const line of description.since ?? [])
    if (line.startsWith('vlan ')) runBridgeLine(kernel, line);
    else runIpLine(kernel, line);
  for (const line of description.sinceOvs ?? []) host.ovs?.transact([line.split(' ')]);
  for (const [name, state] of Object.entries(description.states ?? {})) setState(host, name, state);
  for (const name of description.forgotten ?? []) host.records.delete(name);
  if (description.rebooted) host.bootId = 'boot-2';
  return host;
}

/** `-6` in front, as in a command. */
const byFamily = (line: string): [Words, 4 | 6] =>
  line.startsWith('-6 ') ? [new Words(line.slice(3)), 6] : [new Words(line), 4];

function learnedFrom(line: string): Learned {
  const [mac = '', , port = '', , bridge = ''] = line.split(' ');
  return { mac, port, bridge };
}

function addLink(host: FakeHost, name: string, description: LinkDescription): void {
  const { addresses = [], master, up = true, ...given } = description;
  const bridge = given.kind === 'bridge' ? { stp: false, forwardDelay: 15, multicastSnooping: true } : null;
  const link = host.kernel.add({
    kind: null,
    mac: `02:00:00:00:00:0${host.kernel.links.length}`,
    bridge,
    ...given,
    name,
  });
  link.up = up;
  for (const words of addresses) {
    const { address } = addressFrom(new Words(`${words} dev ${name}`));
    host.kernel.addAddress(name, address);
  }
  if (master !== undefined) host.kernel.setMaster(link, master);
}

async function apply(host: FakeHost, file: object): Promise<void> {
  const lab = labFrom(file);
  const seen = host.observe();
  await carryOut(planProvision(lab, seen, renderContext(lab, seen), { yes: true }), host);
}

function setState(host: FakeHost, name: string, state: string): void {
  const domain = [...host.domains.values()].find(candidate => candidate.name === name);
  if (!domain) throw new Error(`there is no domain ${name}`);
  const alive = !['shutoff', 'crashed'].includes(state);
  host.domains.set(domain.uuid, { ...domain, state, liveMark: alive ? domain.liveMark : null });
}
