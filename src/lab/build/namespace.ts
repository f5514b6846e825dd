import type { RawLab } from '../file.js';
import type { Namespace, NamespaceNic, NamespaceRoute } from '../model.js';
import {
  namespaceAlias,
  namespaceAltname,
  netnsName,
  nicAlias,
  nicAltname,
  nicMac,
  tapName,
} from '../names.js';
import { UNRULED } from '../unruled.js';
import { normalised, plainAddress } from './address.js';
import type { Taken } from './taken.js';
import { buildVlan } from './vlan.js';

type RawNamespace = NonNullable<RawLab['namespaces']>[string];
type RawNic = NonNullable<RawNamespace['nics']>[number];

export function buildNamespace(lab: string, name: string, raw: RawNamespace, taken: Taken): Namespace {
  return {
    name,
    netns: netnsName(lab, name),
    nics: (raw.nics ?? []).map((nic, index) => buildNic(lab, name, index, nic, taken)),
    routes: (raw.routes ?? []).map(buildRoute),
    sysctls: Object.fromEntries(
      Object.entries(raw.sysctls ?? {}).map(([key, value]) => [sysctlPath(key), String(value)]),
    ),
    altname: namespaceAltname(lab, name),
    alias: namespaceAlias(lab, name),
  };
}

/** What an interface is called that has no name of its own. */
export const innerName = (index: number) => `eth${index}`;

function buildNic(lab: string, namespace: string, index: number, nic: RawNic, taken: Taken): NamespaceNic {
  return {
    vm: namespace,
    index,
    bridge: nic.bridge,
    name: nic.name ?? innerName(index),
    mac: nic.mac?.toLowerCase() ?? nicMac(lab, namespace, index, taken.macs),
    tap: tapName(lab, namespace, index, taken.links),
    model: 'virtio',
    queues: 1,
    mtu: nic.mtu ?? null,
    ...UNRULED,
    addresses: normalised(nic.address ?? []),
    // Its routes are written out.
    gateways: [],
    vlan: buildVlan(nic.vlan),
    altname: nicAltname(lab, namespace, index),
    alias: nicAlias(lab, namespace, index),
  };
}

/** The default route's family is its gateway's. */
function buildRoute({ to, via }: NonNullable<RawNamespace['routes']>[number]): NamespaceRoute {
  const everything = via.includes(':') ? '::/0' : '0.0.0.0/0';
  return { to: to === 'default' ? everything : (normalised(to)[0] ?? to), via: plainAddress(via) };
}

/** Below /proc/sys: as in sysctl(8), a slash stands for a dot. */
export const sysctlPath = (key: string) => key.replace(/[./]/g, sign => (sign === '.' ? '/' : '.'));
