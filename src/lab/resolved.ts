import type { RawLab } from './file.js';
import type { Boot, Bridge, CloudInit, Disk, Lab, Nic, Vm } from './model.js';
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

function vmFile({ boot, memoryMiB, vcpus, accel, firmware, disks, keepDisk, cloudInit, nics }: Vm): RawVm {
  const [first, ...rest] = disks;
  const beside = boot.kind === 'image' ? rest : disks;
  return {
    boot: boot.kind === 'image' && first ? diskFile(first, boot.image) : bootFile(boot),
    memory: memoryText(memoryMiB),
    vcpus,
    accel,
    firmware,
    ...(beside.length === 0 ? {} : { disks: beside.map(besideFile) }),
    keepDisk,
    ...(cloudInit === null ? {} : { cloudInit: cloudInitFile(cloudInit) }),
    nics: nics.map(nicFile),
  };
}

const besideFile = (disk: Disk): NonNullable<RawVm['disks']>[number] =>
  disk.image === null
    ? { size: memoryText(disk.sizeMiB ?? 1), format: disk.format }
    : { ...diskFile(disk, disk.image), readOnly: disk.readOnly };

const diskFile = ({ format, sizeMiB }: Disk, image: string) => ({
  image,
  format,
  ...(sizeMiB === null ? {} : { size: memoryText(sizeMiB) }),
});

const cloudInitFile = ({
  hostname,
  sshKeys,
  dns,
  file,
  userData,
}: CloudInit): NonNullable<RawVm['cloudInit']> => ({
  hostname,
  sshKeys: [...sshKeys],
  ...(file === null ? {} : { userData: { file } }),
  ...(file === null && userData !== null ? { userData: userData.open() } : {}),
  dns: [...dns],
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
