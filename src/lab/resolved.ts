import type { RawLab } from './file.js';
import type { Boot, Bridge, Lab, Nic, Vlan, Vm } from './model.js';
import { memoryText } from './units.js';

type RawVm = NonNullable<RawLab['vms']>[string];

/** The lab as a file in which nothing is left to defaults, groups or counts: it gives the same lab, from any folder. */
export function resolvedFile(lab: Lab): RawLab {
  return {
    version: 1,
    name: lab.name,
    bridges: Object.fromEntries(lab.bridges.map(bridge => [bridge.name, bridgeFile(bridge)])),
    vms: Object.fromEntries(lab.vms.map(vm => [vm.name, vmFile(vm)])),
  };
}

function bridgeFile(bridge: Bridge): RawLab['bridges'][string] {
  const { type, uplink, permanent, address, peers, vlanFiltering, uplinkVlan, bridgeNetfilter } = bridge;
  const { mtu, stp, forwardDelay, multicastSnooping } = bridge;
  const port = uplink === null ? {} : { uplink };
  const reached = peers.length === 0 ? {} : { peers: [...peers] };
  // One that is somebody else's has settings of its own, which the file may not name.
  if (permanent) return { ...port, permanent, ...reached, bridgeNetfilter };
  return {
    type,
    ...port,
    permanent,
    address: address.mode === 'static' ? [...address.cidrs] : address.mode,
    ...reached,
    ...(type === 'ovs' ? {} : { vlanFiltering }),
    ...(uplinkVlan === null ? {} : { uplinkVlan: vlanFile(uplinkVlan) }),
    bridgeNetfilter,
    ...(mtu === null ? {} : { mtu }),
    stp,
    ...(type === 'ovs' ? {} : { forwardDelay }),
    ...(multicastSnooping === null ? {} : { multicastSnooping }),
  };
}

const vmFile = ({ boot, memoryMiB, vcpus, accel, nics }: Vm): RawVm => ({
  boot: bootFile(boot),
  memory: memoryText(memoryMiB),
  vcpus,
  accel,
  nics: nics.map(nicFile),
});

function bootFile(boot: Boot): NonNullable<RawVm['boot']> {
  if (boot.kind === 'probe') return 'probe';
  if (boot.kind === 'image') return { image: boot.image };
  const { kernel, initrd, cmdline } = boot;
  return { kernel, ...(initrd === null ? {} : { initrd }), ...(cmdline === '' ? {} : { cmdline }) };
}

const nicFile = ({ bridge, mac, tap, model, queues, mtu, addresses, vlan }: Nic): RawVm['nics'][number] => ({
  bridge,
  mac,
  tap,
  model,
  queues,
  ...(mtu === null ? {} : { mtu }),
  ...(addresses.length === 0 ? {} : { address: [...addresses] }),
  ...(vlan === null ? {} : { vlan: vlanFile(vlan) }),
});

const vlanFile = (vlan: Vlan) =>
  'access' in vlan
    ? { access: vlan.access }
    : { trunk: [...vlan.trunk], ...(vlan.native === null ? {} : { native: vlan.native }) };
