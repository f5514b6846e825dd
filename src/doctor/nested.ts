import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export interface NestedFacts {
  /** `/proc/cpuinfo`. */
  readonly cpuinfo: string;
  readonly vendor: string;
  readonly product: string;
  readonly asset: string;
  /** What systemd-detect-virt says: `vmware`, `docker`, `none`; empty where it is not there. */
  readonly detected: string;
}

/** DMI is a PC's, and of some arm64 machines; elsewhere these are empty. */
export async function lookAtNesting({ drivers }: Ground): Promise<Finding[]> {
  const dmi = async (name: string) => ((await drivers.files.read(`/sys/class/dmi/id/${name}`)) ?? '').trim();
  const [cpuinfo, vendor, product, asset, detected] = await Promise.all([
    drivers.files.read('/proc/cpuinfo'),
    dmi('sys_vendor'),
    dmi('product_name'),
    dmi('chassis_asset_tag'),
    drivers.run('systemd-detect-virt', ['--vm'], { allowFailure: true, timeoutMs: 10_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => '', // not installed
    ),
  ]);
  return [judgeNesting({ cpuinfo: cpuinfo ?? '', vendor, product, asset, detected })];
}

interface Product {
  readonly name: string;
  /** In vendor, product and asset tag. */
  readonly dmi: RegExp;
  readonly detected: string | null;
  /** What its switch does with frames of a MAC that it has not given out. */
  readonly drops: string;
  readonly fix: string;
}

const CLOUD = 'passes frames of the MACs it gave out only, and that cannot be changed';
const CLOUD_FIX = 'use a bridge without "uplink"; guests cannot be on its network';

/** The first that fits; Azure before Hyper-V, since it is one, and the clouds before KVM. */
const PRODUCTS: readonly Product[] = [
  {
    name: 'Microsoft Azure',
    dmi: /7783-7084-3265-9085-8269-3286-77/,
    detected: null,
    drops: CLOUD,
    fix: CLOUD_FIX,
  },
  { name: 'Amazon EC2', dmi: /Amazon EC2/, detected: 'amazon', drops: CLOUD, fix: CLOUD_FIX },
  {
    name: 'Google Compute Engine',
    dmi: /^Google |Google Compute Engine/,
    detected: 'google',
    drops: CLOUD,
    fix: CLOUD_FIX,
  },
  { name: 'DigitalOcean', dmi: /DigitalOcean/, detected: null, drops: CLOUD, fix: CLOUD_FIX },
  { name: 'Hetzner Cloud', dmi: /Hetzner/, detected: null, drops: CLOUD, fix: CLOUD_FIX },
  { name: 'Alibaba Cloud', dmi: /Alibaba Cloud/, detected: null, drops: CLOUD, fix: CLOUD_FIX },
  {
    name: 'OpenStack',
    dmi: /OpenStack/,
    detected: null,
    drops: 'drops frames of unknown MACs (port security)',
    fix: 'openstack port set --no-security-group --disable-port-security PORT',
  },
  {
    name: 'VMware',
    dmi: /VMware/,
    detected: 'vmware',
    drops: 'drops frames of unknown MACs unless its port group allows them',
    fix: 'on the port group, accept: promiscuous mode, MAC address changes, forged transmits',
  },
  {
    name: 'Hyper-V',
    dmi: /Microsoft Corporation.*Virtual Machine/,
    detected: 'microsoft',
    drops: 'drops frames of unknown MACs unless MAC spoofing is on',
    fix: 'in PowerShell there: Set-VMNetworkAdapter -VMName NAME -MacAddressSpoofing On',
  },
  {
    name: 'VirtualBox',
    dmi: /VirtualBox|innotek/,
    detected: 'oracle',
    drops: 'keeps frames for unknown MACs from us unless promiscuous mode is allowed',
    fix: 'VBoxManage modifyvm NAME --nic-promisc1 allow-all',
  },
  {
    name: 'Xen',
    dmi: /Xen/,
    detected: 'xen',
    drops: 'may drop frames of unknown MACs, where anti-spoofing rules are on',
    fix: 'on XenServer: unlock the switch port of the virtual NIC (locking-mode=unlocked)',
  },
  {
    name: 'Parallels',
    dmi: /Parallels/,
    detected: 'parallels',
    drops: 'may drop frames of unknown MACs',
    fix: 'use a bridged network there, and allow promiscuous mode',
  },
  {
    name: 'QEMU or KVM',
    dmi: /QEMU|KVM|Red Hat|Proxmox/,
    detected: 'kvm',
    drops: 'passes unknown MACs on a plain bridge, not through macvtap or a MAC filter',
    fix: "outside: a bridge instead of macvtap, no clean-traffic filter,\nProxmox: MAC filter off in the VM's firewall options",
  },
];

export function judgeNesting({ cpuinfo, vendor, product, asset, detected }: NestedFacts): Finding {
  const it = about(
    'nested',
    'nested',
    'A virtual switch above us may drop frames of MACs that it does not know, as those of guests are.',
  );
  const dmi = [vendor, product, asset].join(' ').trim();
  const virtual = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) || (detected !== '' && detected !== 'none');
  const found =
    PRODUCTS.find(candidate => candidate.dmi.test(dmi)) ??
    PRODUCTS.find(candidate => candidate.detected === detected);
  // A KVM host's own board may well be Red Hat's: only the processor tells that we are inside.
  if (!virtual) return it.ok(`no virtual machine${dmi ? `: ${vendor} ${product}`.trimEnd() : ''}`);
  if (found) return it.warning(`this is a virtual machine on ${found.name}, which ${found.drops}`, found.fix);
  return it.warning(
    `this is a virtual machine (${[vendor, product, detected].filter(Boolean).join(' ') || 'of an unknown kind'})`,
    'allow unknown MACs on its virtual switch; vmnet verify shows whether the LAN answers',
  );
}
