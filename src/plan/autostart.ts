import type { DomainState, HostState } from '../host/model.js';
import type { Lab, Vm } from '../lab/model.js';
import type { Step } from './model.js';
import { appliedLab } from './order.js';

/**
 * Whether libvirt starts a guest with the host, where that is not as the lab says. Where a lab says nothing, what people
 * have set with virsh stays; what an earlier version of the lab had set does not.
 */
export function autostartStep(
  lab: Lab,
  vm: Vm,
  ref: { readonly name: string; readonly uuid: string },
  present: DomainState | undefined,
  host: HostState,
): Step | null {
  const former = appliedLab(lab.name, host.records)?.vms.find(({ name }) => name === vm.name);
  const wanted = vm.autostart ?? (former?.autostart === true ? false : null);
  const is = present?.autostart ?? false;
  if (wanted === null || wanted === is) return null;
  return {
    title: wanted ? `have ${ref.name} start with the host` : `let ${ref.name} not start with the host`,
    why: wanted || vm.autostart === false ? 'the lab says so' : 'the lab no longer says so',
    do: [{ kind: 'autostart', ...ref, on: wanted }],
    // With its definition, its autostart goes as well.
    undo: present ? [{ kind: 'autostart', ...ref, on: is }] : [],
  };
}

/** The domain's definition, and then that. */
export const both = (define: Step, autostart: Step): Step => ({
  ...define,
  title: `${define.title}, and ${autostart.title}`,
  do: [...define.do, ...autostart.do],
  undo: [...autostart.undo, ...define.undo],
});
