import type { RawLab } from './file.js';
import type {
  Boot,
  Bridge,
  CloudInit,
  Dhcp,
  Disk,
  Impair,
  Lab,
  Namespace,
  NamespaceNic,
  Nic,
  Tun,
  VethLink,
  Vlan,
  Vm,
} from './model.js';
import { HOST } from './names.js';
import { durationText, memoryText, percentText, rateText, timeText } from './units.js';

type RawTun = NonNullable<RawLab['tuns']>[string];
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
    ...(lab.tuns.length === 0
      ? {}
      : { tuns: Object.fromEntries(lab.tuns.map(tun => [tun.name, tunFile(tun)])) }),
  };
}

function bridgeFile(bridge: Bridge): NonNullable<RawLab['bridges']>[string] {
  const { type, uplink, permanent, mode, docker, address, dhcp, peers } = bridge;
  const { vlanFiltering, uplinkVlan, bridgeNetfilter, mtu, stp, forwardDelay, multicastSnooping } = bridge;
  const port = uplink === null ? {} : { uplink };
  const reached = peers.length === 0 ? {} : { peers: [...peers] };
  // One that is somebody else's has settings of its own, which the file may not name.
  if (permanent) return { ...port, permanent, ...reached, bridgeNetfilter };
  return {
    type,
    ...port,
    permanent,
    // Open vSwitch only switches, so the file may not say so.
    ...(type === 'ovs' ? {} : { mode, docker }),
    address: address.mode === 'static' ? [...address.cidrs] : address.mode,
    ...(type === 'ovs' ? {} : { dhcp: dhcp === null ? false : dhcpFile(dhcp) }),
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

const dhcpFile = ({ range, leaseSeconds, dns, domain }: Dhcp) => ({
  ...(range === null ? {} : { range: [...range] }),
  leaseTime: timeText(leaseSeconds),
  ...(dns.length === 0 ? {} : { dns: [...dns] }),
  domain,
});

function vmFile(vm: Vm): RawVm {
  const { boot, memoryMiB, vcpus, accel, firmware, disks, keepDisk, cloudInit, vagrant, nics } = vm;
  if (boot.kind === 'domainXml')
    return { boot: bootFile(boot), ...vagrantFile(vagrant), nics: nics.map(nicFile) };
  if (boot.kind === 'existing') return { domain: vm.domain, nics: nics.map(nicFile) };
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
    ...vagrantFile(vagrant),
    ...orderFile(vm),
    nics: nics.map(nicFile),
  };
}

const vagrantFile = (vagrant: Vm['vagrant']): Pick<RawVm, 'vagrant'> =>
  vagrant === undefined ? {} : { vagrant: vagrant.box === null ? {} : { box: vagrant.box } };

const orderFile = ({ dependsOn, ready, readyTimeout, autostart }: Vm) => ({
  ...(dependsOn === undefined ? {} : { dependsOn: [...dependsOn] }),
  ...(ready === undefined ? {} : { ready }),
  ...(readyTimeout === undefined ? {} : { readyTimeout }),
  ...(autostart === undefined ? {} : { autostart }),
});

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

function bootFile(boot: Exclude<Boot, { kind: 'existing' }>): NonNullable<RawVm['boot']> {
  if (boot.kind === 'probe') return boot.forward ? { probe: { forward: true } } : 'probe';
  if (boot.kind === 'image') return { image: boot.image };
  if (boot.kind === 'domainXml') return { domainXml: boot.file };
  const { kernel, initrd, cmdline } = boot;
  return { kernel, ...(initrd === null ? {} : { initrd }), ...(cmdline === '' ? {} : { cmdline }) };
}

const tunFile = ({ owner, group, addresses, peer, mtu, multiQueue }: Tun): RawTun => ({
  ...(owner === null ? {} : { owner }),
  ...(group === null ? {} : { group }),
  ...(addresses.length === 0 ? {} : { address: [...addresses] }),
  ...(peer === null ? {} : { peer }),
  mtu,
  multiQueue,
});

function nicFile(nic: Nic): RawVm['nics'][number] {
  const { link, boot, pciSlot, offloads, vhost } = nic;
  const { bridge, macvtap, mac, tap, model, queues, mtu, addresses, gateways, vlan } = nic;
  return {
    ...(bridge === null ? {} : { bridge }),
    ...(macvtap === undefined ? {} : { type: 'macvtap', ...macvtap }),
    mac,
    tap,
    model,
    queues,
    ...(link === undefined ? {} : { link }),
    ...(boot === undefined ? {} : { boot }),
    ...(pciSlot === undefined ? {} : { pciSlot }),
    ...(offloads === undefined ? {} : { offloads: { ...offloads } }),
    ...(vhost === undefined ? {} : { vhost }),
    ...(mtu === null ? {} : { mtu }),
    ...(addresses.length === 0 ? {} : { address: [...addresses] }),
    ...(gateways.length === 0 ? {} : { gateway: [...gateways] }),
    ...(vlan === null ? {} : { vlan: vlanFile(vlan) }),
    ...(macvtap === undefined ? portFile(nic) : {}),
  };
}

const portFile = ({ isolated, antiSpoof, guard, bandwidth, impair }: Nic) => ({
  isolated,
  antiSpoof,
  guard: [...guard],
  ...(bandwidth.in === null && bandwidth.out === null
    ? {}
    : {
        bandwidth: {
          ...(bandwidth.in === null ? {} : { in: rateText(bandwidth.in) }),
          ...(bandwidth.out === null ? {} : { out: rateText(bandwidth.out) }),
        },
      }),
  ...(impair === null ? {} : { impair: impairFile(impair) }),
});

/** As people write it: what is not there is left out. */
export const impairFile = ({ delay, jitter, loss, corrupt, reorder, rate }: Impair) => ({
  ...(delay === 0 ? {} : { delay: durationText(delay) }),
  ...(jitter === 0 ? {} : { jitter: durationText(jitter) }),
  ...(loss === 0 ? {} : { loss: percentText(loss) }),
  ...(corrupt === 0 ? {} : { corrupt: percentText(corrupt) }),
  ...(reorder === 0 ? {} : { reorder: percentText(reorder) }),
  ...(rate === null ? {} : { rate: rateText(rate) }),
});

const namespaceFile = ({ nics, routes, sysctls }: Namespace): NonNullable<RawLab['namespaces']>[string] => ({
  nics: nics.map(innerNicFile),
  routes: routes.map(route => ({ ...route })),
  sysctls: Object.fromEntries(Object.entries(sysctls).map(([path, value]) => [sysctlName(path), value])),
});

const innerNicFile = ({ bridge, name, mac, mtu, vlan, addresses }: NamespaceNic) => ({
  bridge,
  name,
  mac,
  ...(mtu === null ? {} : { mtu }),
  ...(vlan === null ? {} : { vlan: vlanFile(vlan) }),
  ...(addresses.length === 0 ? {} : { address: [...addresses] }),
});

const vlanFile = (vlan: Vlan) =>
  'access' in vlan
    ? { access: vlan.access }
    : { trunk: [...vlan.trunk], ...(vlan.native === null ? {} : { native: vlan.native }) };

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
