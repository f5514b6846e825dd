import { readEnd } from '../end.js';
import type { RawLab } from '../file.js';
import { HOST } from '../names.js';

/** What is in use in the lab; derived names step aside for what the user wrote, wherever in the file that is. */
export interface Taken {
  readonly macs: Set<string>;
  readonly links: Set<string>;
}

export function writtenNames(raw: RawLab): Taken {
  const nics = Object.values(raw.vms ?? {}).flatMap(vm => vm.nics);
  const inner = Object.values(raw.namespaces ?? {}).flatMap(namespace => namespace.nics ?? []);
  const ends = (raw.links ?? []).flatMap(link => link.endpoints.map(readEnd));
  const uplinks = Object.values(raw.bridges ?? {}).flatMap(bridge => bridge.uplink ?? []);
  return {
    macs: new Set([...nics, ...inner, ...ends].flatMap(nic => nic.mac?.toLowerCase() ?? [])),
    links: new Set([
      ...Object.keys(raw.bridges ?? {}),
      ...uplinks,
      ...nics.flatMap(nic => nic.tap ?? []),
      ...ends.flatMap(end => (end.namespace === HOST ? end.name : [])),
    ]),
  };
}
