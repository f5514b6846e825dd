import type { RawLab } from '../file.js';

/** What is in use in the lab; derived names step aside for what the user wrote, wherever in the file that is. */
export interface Taken {
  readonly macs: Set<string>;
  readonly links: Set<string>;
}

export function writtenNames(raw: RawLab): Taken {
  const nics = Object.values(raw.vms ?? {}).flatMap(vm => vm.nics);
  const uplinks = Object.values(raw.bridges).flatMap(bridge => bridge.uplink ?? []);
  const shared = nics.flatMap(nic => nic.uplink ?? []);
  return {
    macs: new Set(nics.flatMap(nic => nic.mac?.toLowerCase() ?? [])),
    links: new Set([
      ...Object.keys(raw.bridges),
      ...Object.keys(raw.tuns ?? {}),
      ...uplinks,
      ...shared,
      ...nics.flatMap(nic => nic.tap ?? []),
    ]),
  };
}
