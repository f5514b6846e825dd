import type { DomainState, HostState, Link } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { isMarkOf } from '../lab/names.js';
import type { RenderContext } from '../render/domain.js';
import { adoptedBy } from './adopt.js';
import { linksOf } from './links.js';
import type { Step } from './model.js';
import { brokenEnds } from './namespace.js';
import { removeOvs } from './ovs-remove.js';
import { linuxPart } from './parts.js';
import { namespacesOf, otherEnd } from './place.js';
import type { PlanProblem } from './problems.js';
import { releaseUplinks, removeBridges } from './remove.js';
import { removeGuests } from './remove-guests.js';
import { type Endpoints, removeEndpoints } from './remove-namespaces.js';
import { removeTaps } from './remove-taps.js';
import { removeServices } from './services.js';
import { removeSubInterfaces, subInterfaceMarks } from './sub-interface.js';

/** Links and domains of ours that the lab no longer has, and uplinks that it no longer names; also the host without them. */
export function planLeftovers(
  lab: Lab,
  host: HostState,
  context: RenderContext | null,
  problems: PlanProblem[],
): { steps: Step[]; after: HostState } {
  const why = 'the lab no longer has it';
  const wanted = new Set([
    ...[...linuxPart(lab).bridges, ...lab.tuns].map(link => link.altname),
    ...subInterfaceMarks(lab),
    ...linuxPart(lab).vms.flatMap(vm => vm.nics.map(nic => nic.altname)),
    ...lab.namespaces.flatMap(({ altname, nics }) => [altname, ...nics.map(nic => nic.altname)]),
    ...lab.links.flatMap(({ ends }) => ends.map(end => end.altname)),
  ]);
  const isWanted = (link: Link) => link.altnames.some(altname => wanted.has(altname));
  const all = linksOf(host, lab.name);
  const links = all.filter(link => !isWanted(link));
  const bridges = links.filter(link => link.kind === 'bridge');
  const { bridges: linux } = linuxPart(lab);
  const uplinks = new Set(linux.map(bridge => bridge.uplink));
  const isOvs = (name: string) => lab.bridges.some(bridge => bridge.name === name && bridge.type === 'ovs');
  const goneOvs = ovsOf(lab.name, host).filter(({ name }) => !isOvs(name));
  const masters = [...all.filter(link => link.kind === 'bridge'), ...adoptedBy(lab.name, host)];
  const released = releaseUplinks(lab.name, host, masters, uplink => !uplinks.has(uplink));
  const served = new Set(lab.bridges.filter(({ dhcp }) => dhcp !== null).map(({ name }) => name));
  const steps = [
    ...removeServices(lab.name, host, bridge => !served.has(bridge), 'the lab no longer wants it'),
    ...(context ? removeGuests(lab.name, dropped(lab, host), host, context.stateDir, why) : []),
    ...removeTaps(tapsAmong(links), lab.name, host, { why, force: null }, problems),
    ...removeEndpoints(
      lab.name,
      leftEndpoints(lab, wanted, host),
      host,
      { why, force: null, folder: false },
      problems,
    ),
    ...released.steps,
    ...removeSubInterfaces(
      lab.name,
      links.filter(({ kind }) => kind === 'vlan'),
      why,
    ),
    ...removeBridges(lab.name, host, bridges, { staying: all.filter(isWanted), force: null }, problems),
    ...removeOvs(lab.name, host, goneOvs, null, why, problems),
  ];
  return { steps, after: released.after };
}

/** Of a lab's links, those that are ends of guests, and tuns. */
export const tapsAmong = (links: readonly Link[]) =>
  links.filter(({ kind }) => kind !== 'bridge' && kind !== 'vlan' && kind !== 'veth');

/** Bridges of Open vSwitch that a lab made. */
export const ovsOf = (lab: string, host: HostState) =>
  (host.ovs?.bridges ?? []).filter(bridge => bridge.lab === lab);

/** Namespaces and veths of ours that a lab no longer has, or not so; a link between two namespaces goes by one of its ends. */
function leftEndpoints(lab: Lab, wanted: ReadonlySet<string>, host: HostState): Endpoints {
  const broken = new Set(brokenEnds(lab, host).map(({ link }) => link));
  const isLeft = (link: Link) =>
    broken.has(link) ||
    (link.kind === 'veth' &&
      link.altnames.some(it => isMarkOf(lab.name, it)) &&
      !link.altnames.some(it => wanted.has(it)));
  const all = namespacesOf(host, lab.name);
  const staying = all.filter(({ mark }) => wanted.has(mark ?? ''));
  const veths = host.links.filter(isLeft);
  const left = staying.flatMap(({ name, links }) =>
    links.filter(isLeft).map(link => ({ place: name, link })),
  );
  const gone = new Set(veths);
  const ends = left.filter(end => {
    const other = otherEnd(host, end)?.link;
    if (other && gone.has(other)) return false;
    gone.add(end.link);
    return true;
  });
  return { veths, ends, namespaces: all.filter(it => !staying.includes(it)) };
}

/** Domains of ours whose VM the lab no longer has. */
export function dropped(lab: Lab, host: HostState): DomainState[] {
  const vms = new Set(lab.vms.map(vm => vm.name));
  return (host.libvirt?.domains ?? []).filter(({ mark }) => mark?.lab === lab.name && !vms.has(mark.vm));
}

/** Their disks. */
export const filesOfDropped = (lab: Lab, host: HostState) =>
  dropped(lab, host).flatMap(({ mark }) =>
    host.disks.filter(path => path.includes(`/disks/${lab.name}/${mark?.vm}/`)),
  );
