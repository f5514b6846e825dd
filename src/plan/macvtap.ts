import type { HostState, Link } from '../host/model.js';
import { isExisting } from '../lab/existing.js';
import type { Lab, Nic } from '../lab/model.js';
import { type MacvtapNic, macvtapNics } from '../lab/nics.js';
import { shortList } from '../lab/short-list.js';
import { aliveNames } from './guest.js';
import { linkNamed, ownerOf } from './links.js';
import type { Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

// Macvtaps are libvirt's: made as a guest starts, deleted as it ends. Here is what has to be so before.

/** The device of a NIC: libvirt's devices bear no mark, but nothing else has this name, this kind and this MAC. */
export const macvtapOf = (nic: Nic, host: HostState): Link | undefined =>
  nic.macvtap &&
  host.links.find(({ name, kind, mac }) => name === nic.tap && kind === 'macvtap' && mac === nic.mac);

/** Devices that are left over from guests that ended without libvirt; and all that keeps new ones from being made. */
export function planMacvtaps(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  bridgedUplinks(lab, host, problems);
  const alive = aliveNames(host);
  for (const vm of lab.vms) {
    if (alive.has(vm.domain) && !isExisting(vm)) continue;
    for (const nic of macvtapNics(vm.nics)) {
      // A guest that goes on gets, or has, its devices while it runs.
      if (isExisting(vm) && macvtapOf(nic, host)) continue;
      const problem = unfit(nic, host) ?? taken(nic, host) ?? nameInUse(nic, host) ?? cutsOff(nic, host);
      if (problem) problems.push(problem);
    }
  }
  const why = 'it is left over from a guest that ended without libvirt';
  const former = currentRecord(lab.name, host)?.lab;
  const names = new Set(lab.vms.map(({ name }) => name));
  return removeStrays(
    lab,
    host,
    why,
    former?.vms.filter(({ name }) => !names.has(name)),
  );
}

/** Delete devices of guests that do not run; only where libvirt was asked, which alone knows. */
export function removeStrays(lab: Lab | null, host: HostState, why: string, more: Lab['vms'] = []): Step[] {
  if (host.libvirt === null) return [];
  const alive = aliveNames(host);
  return [...(lab?.vms ?? []), ...more]
    .filter(vm => !alive.has(vm.domain))
    .flatMap(vm => macvtapNics(vm.nics))
    .flatMap(nic => {
      const link = macvtapOf(nic, host);
      if (!link) return [];
      const { lower, mode } = link.macvlan ?? { lower: null, mode: '' };
      const again = `link add link ${lower} name ${link.name} address ${link.mac} type macvtap mode ${mode}`;
      return [
        {
          title: `delete macvtap ${link.name} of ${nic.vm}`,
          why,
          do: [{ kind: 'ip', lines: [`link del dev ${link.name}`] }],
          undo: lower === null ? [] : [{ kind: 'ip', lines: [again] }],
        } satisfies Step,
      ];
    });
}

/** What surprises everybody once. */
export function macvtapNotes(lab: Lab): string[] {
  const nics = macvtapNics(lab.vms.flatMap(vm => vm.nics));
  return [...new Set(nics.map(nic => nic.macvtap.uplink))].map(uplink => {
    const names = [...new Set(nics.filter(nic => nic.macvtap.uplink === uplink).map(nic => nic.vm))];
    return `this host and ${shortList(names)} cannot reach each other through ${uplink}, though the rest of the network can: the kernel sends a macvtap's frames straight to the wire. Where they must, put the NIC on a bridge instead, or give the guest a second one on a bridge without uplink`;
  });
}

const at = (nic: Nic, key: string) => `vms.${nic.vm}.nics[${nic.index}].${key}`;

function unfit(nic: MacvtapNic, host: HostState): PlanProblem | null {
  const { uplink } = nic.macvtap;
  const link = linkNamed(host, uplink);
  const bad = (message: string, fix: string): PlanProblem => ({
    code: 'bad-lab',
    message: `${at(nic, 'uplink')}: ${message}`,
    fix,
  });
  if (!link) return bad(`this host has no interface ${uplink}`, choices(host));
  if (link.type !== 'ether')
    return bad(`${uplink} is no Ethernet interface (its link layer is ${link.type})`, choices(host));
  if (host.wireless.includes(uplink))
    return bad(
      `${uplink} is a Wi-Fi interface; access points drop frames of any MAC but its own`,
      'Use a wired interface.',
    );
  if (link.master !== null)
    return bad(
      `${uplink} is a port of ${link.master}, and the kernel takes no macvtap on a port`,
      linkNamed(host, link.master)?.kind === 'bridge'
        ? `Put the NIC on that bridge: "bridges": { "${link.master}": { "permanent": true } } and "bridge": "${link.master}", or name another interface.`
        : `Name ${link.master} itself, or another interface.`,
    );
  if (!link.up)
    return bad(`${uplink} is down`, `Bring it up (ip link set dev ${uplink} up), or name another interface.`);
  return null;
}

function choices(host: HostState): string {
  const names = host.links
    .filter(({ type, kind, master, name }) => {
      const fits = type === 'ether' && master === null && !host.wireless.includes(name);
      return fits && !['bridge', 'tun', 'dummy', 'macvtap', 'macvlan'].includes(kind ?? '');
    })
    .map(({ name }) => name);
  return names.length > 0
    ? `Interfaces that could be used: ${names.join(', ')}.`
    : 'It has no interface that could be used.';
}

/** In passthru mode there can be but one on an uplink, be it a guest's or anybody's. */
function taken(nic: MacvtapNic, host: HostState): PlanProblem | null {
  const { uplink, mode } = nic.macvtap;
  const others = host.links.filter(
    ({ name, macvlan }) => macvlan?.lower === uplink && name !== macvtapOf(nic, host)?.name,
  );
  const other = others.find(({ macvlan }) => mode === 'passthru' || macvlan?.mode === 'passthru');
  if (!other) return null;
  return {
    code: 'conflict',
    message: `${at(nic, 'uplink')}: ${uplink} ${mode === 'passthru' ? 'can have no macvtap in passthru mode' : 'can have no further macvtap'}: ${other.name} (${other.macvlan?.mode}) is on it`,
    fix: `Name another interface, or end the guest or program that uses ${other.name}.`,
  };
}

/** libvirt would refuse the name only as the guest starts. */
function nameInUse(nic: MacvtapNic, host: HostState): PlanProblem | null {
  const link = linkNamed(host, nic.tap);
  if (!link || macvtapOf(nic, host)) return null;
  return {
    code: 'conflict',
    message: `the macvtap ${nic.tap} of ${nic.vm} cannot be made: an interface of that name exists, and ${ownerOf(link)}`,
    fix: 'Give the NIC another "tap" in the lab file, or remove that interface.',
  };
}

/** In passthru mode all that comes in at the uplink goes to the guest, and the uplink takes on the guest's MAC. */
function cutsOff(nic: MacvtapNic, host: HostState): PlanProblem | null {
  const { uplink, mode } = nic.macvtap;
  const own = linkNamed(host, uplink)?.addresses.filter(({ scope }) => scope === 'global') ?? [];
  if (mode !== 'passthru' || own.length === 0) return null;
  return {
    code: 'bad-lab',
    message: `${at(nic, 'mode')}: passthru would hand ${uplink} to the guest, and this host has ${own.map(({ local, prefix }) => `${local}/${prefix}`).join(', ')} there, which would no longer be reached`,
    fix: `Write "mode": "bridge", name an interface that the host does not use itself, or take its addresses off ${uplink} first.`,
  };
}

/** A bridge cannot take an interface that carries macvlans or macvtaps. */
function bridgedUplinks(lab: Lab, host: HostState, problems: PlanProblem[]): void {
  for (const { name, uplink } of lab.bridges) {
    const carried = host.links.filter(({ macvlan }) => uplink !== null && macvlan?.lower === uplink);
    const [first] = carried;
    if (!first || uplink === null || linkNamed(host, uplink)?.master) continue;
    problems.push({
      code: 'conflict',
      message: `bridges.${name}.uplink: ${uplink} cannot become a port: it carries ${carried.map(link => link.name).join(', ')}, and the kernel takes no bridge beside macvlans and macvtaps`,
      fix: `End the guest that uses ${first.name} (virsh destroy), or remove the device if it is no guest's: ip link del dev ${first.name}.`,
    });
  }
}
