import type { PortVlan } from '../../src/host/model.js';
import type { FakeKernel } from './kernel.js';
import { Words } from './words.js';

/** One line of a `bridge -batch`, as far as plans say such lines; any other throws. */
export function runBridgeLine(kernel: FakeKernel, line: string): void {
  const words = new Words(line);
  if (!words.take('vlan')) throw words.unknown(words.peek());
  const verb = words.next();
  if (!words.take('dev')) throw words.unknown(words.peek());
  const link = kernel.link(words.next());
  if (!words.take('vid')) throw words.unknown(words.peek());
  const vid = words.number();
  const [pvid, untagged, self] = [words.take('pvid'), words.take('untagged'), words.take('self')];
  if (!words.empty) throw words.unknown(words.peek());
  if (self ? link.bridge === null : link.master === null)
    throw new Error('RTNETLINK answers: Operation not supported');
  const others = (kernel.vlans.get(link.name) ?? []).filter(entry => entry.vid !== vid);
  if (verb === 'del') return void kernel.vlans.set(link.name, others);
  if (verb !== 'add') throw words.unknown(verb);
  const rest: PortVlan[] = pvid ? others.map(entry => ({ ...entry, pvid: false })) : others;
  const all = [...rest, { vid, pvid, untagged }].sort((a, b) => a.vid - b.vid);
  kernel.vlans.set(link.name, all);
}

/** What `bridge vlan show` would tell: nothing of ports whose bridge does not filter. */
export function seenVlans(kernel: FakeKernel): Record<string, PortVlan[]> {
  const filters = (name: string | null) =>
    kernel.links.some(link => link.name === name && link.bridge?.vlanFiltering);
  return Object.fromEntries(
    [...kernel.vlans].filter(([name, list]) => {
      const link = kernel.links.find(other => other.name === name);
      return list.length > 0 && (filters(name) || filters(link?.master ?? null));
    }),
  );
}
