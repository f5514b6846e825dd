import type { RawLab } from './file.js';
import type { Boot, Bridge, Lab, Namespace, NamespaceNic, Nic, VethLink, Vm } from './model.js';
import { HOST } from './names.js';
import { memoryText } from './units.js';

type RawVm = NonNullable<RawLab['vms']>[string];

/** The lab as a file in which nothing is left to defaults, groups or counts: it gives the same lab, from any folder. */
export function resolvedFile(lab: Lab): RawLab {
  return {
    version: 1,
    name: lab.name,
    bridges: Object.fromEntries(lab.bridges.map(bridge => [bridge.name, bridgeFile(bridge)])),
    vms: Object.fromEntries(lab.vms.map(vm => [vm.name, vmFile(vm)])),
    ...(lab.namespaces.length === 0
      ? {}
      : { namespaces: Object.fromEntries(lab.namespaces.map(it => [it.name, namespaceFile(it)])) }),
    ...(lab.links.length === 0 ? {} : { links: lab.links.map(linkFile) }),
  };
}

function bridgeFile(bridge: Bridge): NonNullable<RawLab['bridges']>[string] {
  const {
    uplink,
    permanent,
    mode,
    address,
    peers,
    bridgeNetfilter,
    mtu,
    stp,
    forwardDelay,
    multicastSnooping,
  } = bridge;
  const port = uplink === null ? {} : { uplink };
  const reached = peers.length === 0 ? {} : { peers: [...peers] };
  // One that is somebody else's has settings of its own, which the file may not name.
  if (permanent) return { ...port, permanent, ...reached, bridgeNetfilter };
  return {
    ...port,
    permanent,
    mode,
    address: address.mode === 'static' ? [...address.cidrs] : address.mode,
    ...reached,
    bridgeNetfilter,
    ...(mtu === null ? {} : { mtu }),
    stp,
    forwardDelay,
    ...(multicastSnooping === null ? {} : { multicastSnooping }),
  };
}

const vmFile = ({ boot, memoryMiB, vcpus, accel, vagrant, nics }: Vm): RawVm => ({
  boot: bootFile(boot),
  memory: memoryText(memoryMiB),
  vcpus,
  accel,
  ...(vagrant === undefined ? {} : { vagrant: vagrant.box === null ? {} : { box: vagrant.box } }),
  nics: nics.map(nicFile),
});

function bootFile(boot: Boot): NonNullable<RawVm['boot']> {
  if (boot.kind === 'probe') return boot.forward ? { probe: { forward: true } } : 'probe';
  if (boot.kind === 'image') return { image: boot.image };
  const { kernel, initrd, cmdline } = boot;
  return { kernel, ...(initrd === null ? {} : { initrd }), ...(cmdline === '' ? {} : { cmdline }) };
}

const nicFile = ({
  bridge,
  mac,
  tap,
  model,
  queues,
  mtu,
  addresses,
  gateways,
}: Nic): RawVm['nics'][number] => ({
  bridge,
  mac,
  tap,
  model,
  queues,
  ...(mtu === null ? {} : { mtu }),
  ...(addresses.length === 0 ? {} : { address: [...addresses] }),
  ...(gateways.length === 0 ? {} : { gateway: [...gateways] }),
});

const namespaceFile = ({ nics, routes, sysctls }: Namespace): NonNullable<RawLab['namespaces']>[string] => ({
  nics: nics.map(innerNicFile),
  routes: routes.map(route => ({ ...route })),
  sysctls: Object.fromEntries(Object.entries(sysctls).map(([path, value]) => [sysctlName(path), value])),
});

const innerNicFile = ({ bridge, name, mac, mtu, addresses }: NamespaceNic) => ({
  bridge,
  name,
  mac,
  ...(mtu === null ? {} : { mtu }),
  ...(addresses.length === 0 ? {} : { address: [...addresses] }),
});

const linkFile = ({ ends, mtu }: VethLink): NonNullable<RawLab['links']>[number] => ({
  endpoints: ends.map(({ namespace, name, mac, addresses }) => ({
    namespace: namespace ?? HOST,
    name,
    mac,
    ...(addresses.length === 0 ? {} : { address: [...addresses] }),
  })),
  mtu,
});

/** As sysctl(8) names it: dots and slashes change places. */
const sysctlName = (path: string) => path.replace(/[./]/g, sign => (sign === '.' ? '/' : '.'));
