/** Package managers by the ids of os-release, with the command that installs. */
const INSTALL: Readonly<Record<Family, string>> = {
  debian: 'apt-get install',
  fedora: 'dnf install',
  suse: 'zypper install',
  arch: 'pacman -S',
};

export type Family = 'debian' | 'fedora' | 'suse' | 'arch';

/** A package's name by distribution. */
export type Package = Readonly<Record<Family, string>>;

const same = (name: string): Package => ({ debian: name, fedora: name, suse: name, arch: name });

export const PACKAGES = {
  iproute: { ...same('iproute2'), fedora: 'iproute iproute-tc' },
  nftables: same('nftables'),
  tcpdump: same('tcpdump'),
  qemuImg: { debian: 'qemu-utils', fedora: 'qemu-img', suse: 'qemu-img', arch: 'qemu-img' },
  qemu: {
    debian: process.arch === 'arm64' ? 'qemu-system-arm' : 'qemu-system-x86',
    fedora: 'qemu-kvm',
    suse: 'qemu-kvm',
    arch: 'qemu-base',
  },
  busybox: { debian: 'busybox-static', fedora: 'busybox', suse: 'busybox-static', arch: 'busybox' },
  cpio: same('cpio'),
  dnsmasq: { ...same('dnsmasq'), debian: 'dnsmasq-base' },
  utilLinux: same('util-linux'),
  ping: { debian: 'iputils-ping', fedora: 'iputils', suse: 'iputils', arch: 'iputils' },
  libvirt: {
    debian: 'libvirt-daemon-system libvirt-daemon-driver-qemu',
    fedora: 'libvirt-daemon-kvm',
    suse: 'libvirt-daemon-qemu',
    arch: 'libvirt',
  },
} as const satisfies Record<string, Package>;

/** By ID and ID_LIKE of `/etc/os-release`; Debian where nothing is known. */
export function familyOf(osRelease: string): Family {
  const words = ['ID', 'ID_LIKE'].flatMap(key =>
    (new RegExp(`^${key}=["']?([^"'\n]*)`, 'm').exec(osRelease)?.[1] ?? '').split(/\s+/),
  );
  const known: readonly (readonly [RegExp, Family])[] = [
    [/^(debian|ubuntu)$/, 'debian'],
    [/^(fedora|rhel|centos)$/, 'fedora'],
    [/^(suse|opensuse.*|sles)$/, 'suse'],
    [/^arch$/, 'arch'],
  ];
  return known.find(([pattern]) => words.some(word => pattern.test(word)))?.[1] ?? 'debian';
}

export const install = (what: Package, family: Family): string => `${INSTALL[family]} ${what[family]}`;
