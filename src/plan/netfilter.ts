import type { HostState, LabRecord } from '../host/model.js';
import type { Lab } from '../lab/model.js';
import type { Action, Step } from './model.js';

/** br_netfilter's switches that this kernel has, below /proc/sys. */
const switches = (host: HostState) =>
  Object.keys(host.sysctls).filter(path => path.startsWith('net/bridge/bridge-nf-call-'));

/** Records that speak of this very boot and network namespace. */
export const currentRecords = (host: HostState): LabRecord[] =>
  host.records.filter(record => record.bootId === host.bootId && record.netns === host.netns);

/** br_netfilter off where a bridge of the lab asks for it, back where none does any more: for the whole namespace. */
export function planBridgeNetfilter(lab: Lab, host: HostState): Step[] {
  if (!lab.bridges.some(bridge => bridge.bridgeNetfilter === 'off'))
    return restoreBridgeNetfilter(lab.name, host);
  const on = switches(host).filter(path => host.sysctls[path] !== '0');
  if (on.length === 0) return [];
  const set = (value: (path: string) => string): Action[] =>
    on.map(path => ({ kind: 'sysctl', path, value: value(path) }));
  return [
    {
      title: "let bridged frames skip the host's netfilter",
      why: `${on.map(path => path.replaceAll('/', '.')).join(', ')} would send them through it`,
      do: set(() => '0'),
      undo: set(path => host.sysctls[path] ?? '1'),
    },
  ];
}

/** br_netfilter as it was before the first lab turned it off. */
export function netfilterBefore(lab: string, host: HostState): Record<string, string> {
  const kept = currentRecords(host)
    .sort((a, b) => Number(b.name === lab) - Number(a.name === lab))
    .find(record => record.bridgeNetfilter)?.bridgeNetfilter;
  return kept ?? Object.fromEntries(switches(host).map(path => [path, host.sysctls[path] ?? '1']));
}

/** The last lab that needed br_netfilter off puts it back. */
export function restoreBridgeNetfilter(lab: string, host: HostState): Step[] {
  const before = currentRecords(host).find(record => record.name === lab)?.bridgeNetfilter;
  const others = currentRecords(host).some(record => record.name !== lab && record.bridgeNetfilter);
  if (!before || others) return [];
  const changed = Object.entries(before).filter(([path, value]) => host.sysctls[path] !== value);
  if (changed.length === 0) return [];
  return [
    {
      title: "send bridged frames through the host's netfilter again",
      why: 'it was so before the lab turned that off',
      do: changed.map(([path, value]) => ({ kind: 'sysctl', path, value })),
      undo: changed.map(([path]) => ({ kind: 'sysctl', path, value: host.sysctls[path] ?? '0' })),
    },
  ];
}
