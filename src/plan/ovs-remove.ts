import type { HostState, OvsBridge } from '../host/model.js';
import { addressAdd, inOrder } from './bridge-addresses.js';
import { linkNamed, takenUplink } from './links.js';
import type { Action, Step } from './model.js';
import { addBridge, addPort, markColumn, setPort, vlanColumns } from './ovs-words.js';
import type { PlanProblem } from './problems.js';
import { currentRecord } from './record.js';

/**
 * Delete the bridges of Open vSwitch that bear a lab's mark.
 * @param force also where others' ports are on them; null where nobody can ask for that
 */
export function removeOvs(
  lab: string,
  host: HostState,
  bridges: readonly OvsBridge[],
  force: boolean | null,
  why: string,
  problems: PlanProblem[],
): Step[] {
  const ours = tapsOf(lab, host);
  return bridges.flatMap(bridge => {
    const others = bridge.ports.filter(
      port => port.name !== bridge.name && port.lab !== lab && !ours.has(port.name) && !port.proof,
    );
    const names = others.map(({ name }) => name).join(', ');
    if (others.length > 0 && !force) {
      problems.push({
        code: 'conflict',
        message: `the bridge ${bridge.name} is still used by ports that vmnet did not make: ${names}`,
        fix: `Take them off the bridge first (ovs-vsctl del-port ${bridge.name} ${others[0]?.name})${force === null ? '' : ', or repeat the command with --force, which cuts them off'}.`,
      });
      return [];
    }
    return [
      {
        title: `delete bridge ${bridge.name} of Open vSwitch`,
        why: others.length > 0 ? `--force: ${names} lose it` : why,
        do: [
          { kind: 'delete-ovs' as const, bridge: bridge.name, lab },
          ...uplinksAsBefore(bridge, lab, host),
        ],
        undo: sameAgain(bridge, lab, host),
      },
    ];
  });
}

/** Taps of the lab's guests, which libvirt put there. */
function tapsOf(lab: string, host: HostState): Set<string> {
  const recorded = currentRecord(lab, host)?.lab.vms.flatMap(vm => vm.nics.map(nic => nic.tap)) ?? [];
  const defined = (host.libvirt?.domains ?? [])
    .filter(({ mark }) => mark?.lab === lab)
    .flatMap(({ nics }) => nics.flatMap(({ target }) => target ?? []));
  return new Set([...recorded, ...defined]);
}

/** An uplink that was down is down again. */
const uplinksAsBefore = (bridge: OvsBridge, lab: string, host: HostState): Action[] =>
  bridge.ports.flatMap(({ name }) =>
    takenUplink(currentRecord(lab, host), name)?.up === false
      ? [{ kind: 'ip' as const, lines: [`link set dev ${name} down`] }]
      : [],
  );

/** The bridge as it was observed, with its ports. */
function sameAgain(bridge: OvsBridge, lab: string, host: HostState): Action[] {
  const ports = bridge.ports.filter(({ name }) => name !== bridge.name);
  const own = bridge.ports.find(({ name }) => name === bridge.name);
  const link = linkNamed(host, bridge.name);
  const cidrs = inOrder((link?.addresses ?? []).map(({ local, prefix }) => `${local}/${prefix}`));
  return [
    {
      kind: 'ovs',
      commands: [
        ...addBridge(bridge, lab),
        ...(own ? [setPort(own.name, vlanColumns(own.vlan))] : []),
        ...ports
          .filter(({ name }) => linkNamed(host, name))
          .flatMap(port =>
            addPort(bridge.name, port.name, [
              ...(port.lab === null ? [] : [markColumn(port.lab)]),
              ...vlanColumns(port.vlan),
            ]),
          ),
      ],
    },
    {
      kind: 'ip',
      lines: [
        ...(link?.up ? [`link set dev ${bridge.name} up`] : []),
        ...cidrs.map(cidr => addressAdd(cidr, bridge.name)),
      ],
    },
  ];
}
