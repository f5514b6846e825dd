import type { HostState } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import { ovsVlan } from '../lab/vlans.js';
import { aliveNames } from './guest.js';
import { linkNamed, ownerOf, removal } from './links.js';
import type { Step } from './model.js';
import { ovsBridge } from './ovs-state.js';
import { addPort, type Command, delPort, isSameVlan, setPort, vlanColumns, vlanText } from './ovs-words.js';
import { ovsPart } from './parts.js';
import type { PlanProblem } from './problems.js';

/** Ports of guests: libvirt makes them as a guest starts, and what happened to them since is mended. */
export function planOvsPorts(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  const part = ovsPart(lab);
  const running = aliveNames(host);
  return part.bridges.flatMap(bridge => {
    const present = ovsBridge(bridge.name, host);
    return part.vms.flatMap(vm =>
      vm.nics
        .filter(nic => nic.bridge === bridge.name)
        .flatMap(nic => {
          const link = linkNamed(host, nic.tap);
          if (!link) return [];
          if (!running.has(vm.domain)) {
            problems.push({
              code: 'conflict',
              message: `the tap ${nic.tap} of ${nic.vm} cannot be made: an interface of that name exists, and ${ownerOf(link)}`,
              fix: `Give the NIC another "tap" in the lab file${removal(link)}.`,
            });
            return [];
          }
          const wanted = ovsVlan(nic, bridge, lab);
          const port = present?.ports.find(({ name }) => name === nic.tap);
          const who = `(${nic.vm}, NIC ${nic.index})`;
          if (!present) return [];
          if (!port)
            return step(
              `put tap ${nic.tap} back on ${bridge.name} ${who}`,
              'it is no port of the bridge',
              addPort(bridge.name, nic.tap, vlanColumns(wanted)),
              [delPort(bridge.name, nic.tap)],
            );
          if (isSameVlan(port.vlan, wanted)) return [];
          return step(
            `have tap ${nic.tap} carry ${vlanText(wanted)} ${who}`,
            `it carries ${vlanText(port.vlan)}`,
            [setPort(nic.tap, vlanColumns(wanted))],
            [setPort(nic.tap, vlanColumns(port.vlan))],
          );
        }),
    );
  });
}

const step = (title: string, why: string, to: readonly Command[], from: readonly Command[]): Step[] => [
  { title, why, do: [{ kind: 'ovs', commands: to }], undo: [{ kind: 'ovs', commands: from }] },
];
