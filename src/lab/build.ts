import { dirname, resolve } from 'node:path';
import { buildBridge } from './build/bridge.js';
import { buildLink } from './build/link.js';
import { buildNamespace } from './build/namespace.js';
import { writtenNames } from './build/taken.js';
import { buildVm } from './build/vm.js';
import type { RawLab } from './file.js';
import type { Lab } from './model.js';

/** A file without problems to the complete lab: every default filled in, every name derived. */
export function buildLab(raw: RawLab, file: string): Lab {
  const taken = writtenNames(raw);
  return {
    name: raw.name,
    file: resolve(file),
    bridges: Object.entries(raw.bridges ?? {}).map(([name, bridge]) =>
      buildBridge(raw.name, name, bridge, taken),
    ),
    vms: Object.entries(raw.vms ?? {}).map(([name, vm]) =>
      buildVm(raw, name, vm, dirname(resolve(file)), taken),
    ),
    namespaces: Object.entries(raw.namespaces ?? {}).map(([name, namespace]) =>
      buildNamespace(raw.name, name, namespace, taken),
    ),
    links: (raw.links ?? []).map(link => buildLink(raw.name, link, taken)),
  };
}
