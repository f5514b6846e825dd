#!/bin/sh
# Installs what vmnet needs, and builds it. What is there already is left alone: run it as often as you like.
# With the word `tests` it also installs what only the tests need; with `packages` it only names Debian's packages.
# VMNET_CACHE_DIR: where the kernel of the probe guest is kept (default: /var/cache/vmnet).
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
cd "$(dirname "$0")/.."
cache=${VMNET_CACHE_DIR:-/var/cache/vmnet}

say() { echo "set-up: $*"; }

# die STEP NEXT: what went wrong, and what to do about it.
die() {
  printf 'set-up: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

have() { command -v "$1" > /dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

as_root() {
  if is_root; then "$@"; else sudo "$@"; fi
}

# need_root WHAT BY-HAND
need_root() {
  is_root || have sudo || die "$1 needs root, and there is no sudo." "As root: $2"
}

# --- Node ------------------------------------------------------------------------------------------------

check_node() {
  { have node && have npm; } ||
    die 'Node.js is not installed.' 'Install Node.js 20 or newer with npm (Debian 13: apt-get install nodejs npm; else https://nodejs.org), then run this again.'
  version=$(node -p 'process.versions.node')
  [ "${version%%.*}" -ge 20 ] ||
    die "Node.js $version is too old." 'Install version 20 or newer (https://nodejs.org), then run this again.'
}

# --- Packages --------------------------------------------------------------------------------------------

# libvirtd is in libvirt-daemon, which only recommends its QEMU driver in newer releases. virt-xml-validate is in
# libvirt-clients and needs libxml2-utils.
packages='libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system libvirt-clients libvirt-dev qemu-utils xorriso
  iproute2 nftables iputils-ping tcpdump tshark busybox-static cpio kmod xz-utils zstd dnsmasq-base libxml2-utils'

# DHCP clients, of which a host has at most one, systemd-networkd, the older firewalls, and Vagrant with what its boxes are
# built of, and virt-install, which the benchmark compares with: not for machines that only use vmnet.
[ "${1-}" != tests ] ||
  packages="$packages isc-dhcp-client udhcpc dhcpcd-base systemd dbus iptables ebtables arptables strace python3 genisoimage
  mmdebstrap e2fsprogs openssh-client vagrant vagrant-libvirt dropbear-bin
  openvswitch-switch virtinst"

# The same as programs, for systems without dpkg.
programs='libvirtd virsh qemu-img ip nft ping tcpdump tshark busybox cpio depmod xz zstd unshare nsenter dnsmasq'
[ "${1-}" != tests ] || programs="$programs dhclient udhcpc dhcpcd strace python3 xorriso genisoimage mke2fs ssh vagrant dropbear ssh-keygen ovs-vswitchd"

name_the_machine() {
  case $(uname -m) in
    aarch64 | arm64) emulator=qemu-system-arm qemu=qemu-system-aarch64 cloud=linux-image-cloud-arm64 ;;
    *) emulator=qemu-system-x86 qemu=qemu-system-x86_64 cloud=linux-image-cloud-amd64 ;;
  esac
  packages="$packages $emulator"
  programs="$programs $qemu"
}

is_debian() { have dpkg-query && have apt-get; }

missing_packages() {
  # shellcheck disable=SC2016,SC2086 # dpkg-query's own variables; a list of words
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2> /dev/null |
    sed -n 's/ installed$//p' | tr '\n' ' ')
  for package in $packages; do
    case " $installed" in *" $package "*) ;; *) printf '%s ' "$package" ;; esac
  done
}

missing_programs() {
  for program in $programs; do have "$program" || printf '%s ' "$program"; done
}

# No questions, no services restarted behind the user's back, and patience where another apt is at work.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C \
    apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

# Lists may be absent (a fresh container) or too old for the mirror: then they are fetched, once.
updated=no
update_lists() {
  [ $updated = no ] || return 1
  updated=yes
  say "fetching the distribution's package lists"
  apt_get update -qq || say 'apt-get update had errors; going on with the lists that there are'
}

simulate() { LC_ALL=C apt-get -s --no-install-recommends install "$@" 2> /dev/null; }

# What an installation would take away, other than busybox, whose place busybox-static takes.
removals() { simulate "$@" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | grep -vx busybox | tr '\n' ' ' || true; }

install_packages() {
  missing=$(missing_packages)
  missing=${missing% }
  [ -n "$missing" ] || return 0
  say "these packages are missing and will be installed: $missing"
  say 'and what they depend on; the first time this takes a minute or two'
  case $missing in
    *libvirt-daemon-system*) say 'on a machine with systemd this also starts libvirtd; Ubuntu starts its network "default" (virbr0) as well' ;;
  esac
  by_hand="apt-get install --no-install-recommends $missing"
  need_root 'Installing packages' "$by_hand"
  # shellcheck disable=SC2086 # a list of words
  set -- $missing
  simulate "$@" > /dev/null || update_lists || true
  removed=$(removals "$@")
  [ -z "$removed" ] || die "Nothing was installed: apt would remove $removed" "See for yourself, and decide: $by_hand"
  try_install "$@" || { update_lists && try_install "$@"; } ||
    die 'Installing packages failed.' "Look at the lines above; by hand it is: $by_hand"
}

try_install() { apt_get install -y -qq --no-install-recommends "$@" > /dev/null; }

check_programs() {
  missing=$(missing_programs)
  [ -z "$missing" ] || die "This is neither Debian nor Ubuntu, and these programs are missing: $missing" 'Install them with your package manager (and libvirt with its QEMU driver), then run this again.'
  say 'this is neither Debian nor Ubuntu, but all programs are there'
}

# --- A kernel for the probe guest --------------------------------------------------------------------------

# Ubuntu lets only root read its kernels; vmnet runs as root.
readable() {
  if is_root; then [ -r "$1" ]; else [ -e "$1" ]; fi
}

# The host's own will do where image and modules are there.
has_kernel() {
  release=$(uname -r)
  readable "/boot/vmlinuz-$release" && readable "/lib/modules/$release/modules.dep" && return 0
  for modules in "$cache"/kernel/lib/modules/*/modules.dep; do
    version=${modules%/modules.dep}
    [ -r "$modules" ] && [ -r "$cache/kernel/boot/vmlinuz-${version##*/}" ] && return 0
  done
  return 1
}

# The real package behind the first of these meta packages that the distribution has.
kernel_package() {
  for meta in "$cloud" linux-image-kvm linux-image-virtual; do
    LC_ALL=C apt-cache depends "$meta" 2> /dev/null | sed -n 's/^ *|*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p'
  done | head -n 1
}

# The cache may be the user's own folder; only the default one needs root.
in_cache() {
  if [ -w "$cache" ]; then "$@"; else as_root "$@"; fi
}

unpack_kernel() {
  has_kernel && return 0
  is_debian || die 'The probe guest has no kernel.' "It needs /boot/vmlinuz-$(uname -r) and /lib/modules/$(uname -r), or the same two of any kernel below $cache/kernel."
  package=$(kernel_package)
  [ -n "$package" ] || { update_lists && package=$(kernel_package); } || true
  [ -n "$package" ] || die 'The probe guest has no kernel: the distribution offers none of the packages for virtual machines.' "Put boot/vmlinuz-VERSION and lib/modules/VERSION of any kernel into $cache/kernel."
  say "the probe guest needs a kernel: $package will be unpacked into $cache/kernel (not installed)"
  [ -w "$cache" ] || mkdir -p "$cache" 2> /dev/null || {
    need_root "Writing to $cache" "run this once, or set VMNET_CACHE_DIR to a folder of your own"
    as_root mkdir -p "$cache"
  }
  work=$(in_cache mktemp -d "$cache/kernel.XXXXXX") || die "Nothing can be written to $cache." 'Set VMNET_CACHE_DIR to a folder with 200 MB free, or run this as root.'
  # shellcheck disable=SC2064 # now: $work is what has to go
  trap "in_cache rm -rf '$work'" EXIT
  trap 'exit 130' HUP INT TERM
  download "$package"
  # Ubuntu keeps the modules in a package of their own.
  [ -n "$(in_cache find "$work/tree" -name modules.builtin)" ] || download "linux-modules-${package#linux-image-}"
  keep_kernel "${package#linux-image-}"
  in_cache rm -rf "$work"
  trap - EXIT HUP INT TERM
}

# shellcheck disable=SC2016 # the inner shell's variables
download() {
  fetch() {
    in_cache env LC_ALL=C sh -c 'cd "$1" && apt-get -qq -o APT::Sandbox::User=root download "$2" > /dev/null' sh "$work" "$1"
  }
  fetch "$1" || { update_lists && fetch "$1"; } || die "Downloading the kernel package $1 failed." 'Look at the lines above, mend the network or the apt sources, then run this again.'
  in_cache sh -c 'for deb in "$1"/*.deb; do dpkg -x "$deb" "$1/tree" && rm "$deb" || exit 1; done' sh "$work" ||
    die "Unpacking the kernel package $1 failed." "Is there room in $cache? It takes 200 MB for a moment."
}

# Whole or not at all: put together beside, then moved. Newer packages have usr/lib/modules, and newer depmods look
# there; vmnet looks in lib/modules.
keep_kernel() {
  # shellcheck disable=SC2016 # the inner shell's variables
  in_cache env PATH="$PATH" sh -euc '
    work=$1 kernel=$2 version=$3
    tree=$work/tree new=$work/new
    modules=$tree/lib/modules/$version
    [ -d "$modules" ] || modules=$tree/usr/lib/modules/$version
    mkdir -p "$new/boot" "$new/lib/modules"
    mv "$tree/boot/vmlinuz-$version" "$new/boot"
    mv "$modules" "$new/lib/modules"
    mkdir "$new/usr"
    ln -s ../lib "$new/usr/lib"
    rm -f "$new/lib/modules/$version/build" "$new/lib/modules/$version/source"
    depmod -b "$new" "$version"
    rm -r "$new/usr"
    chmod -R a+rX "$new"
    rm -rf "$kernel"
    mv "$new" "$kernel"
  ' sh "$work" "$cache/kernel" "$1" || die 'Unpacking the kernel for the probe guest failed.' "Look at the lines above; nothing was kept in $cache/kernel."
}

# --- vmnet itself ----------------------------------------------------------------------------------------

# The stamp lies in node_modules, so that it goes with it; it names the lock file and the Node that it was for.
install_modules() {
  stamp=node_modules/.vmnet-setup
  wanted="$(cksum < package-lock.json) $(node -p 'process.arch + " " + process.versions.modules')"
  [ "$(cat $stamp 2> /dev/null || true)" = "$wanted" ] && return 0
  say 'npm ci: fetching the libraries that package-lock.json names'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error ||
    die 'npm ci failed.' 'Look at the first lines above: without network, try again later; with a lock file that does not fit package.json, run npm install.'
  echo "$wanted" > $stamp
}

build() {
  [ -e dist/cli.js ] && [ -z "$(find src scripts/bundle.mjs tsconfig.json -newer dist/cli.js | head -n 1)" ] && return 0
  say 'npm run build: compiling src to dist'
  npm run --silent build || die 'npm run build failed.' 'The lines above name the file and the line; mend it, then run this again.'
}

name_the_machine
[ "${1-}" != packages ] || {
  # shellcheck disable=SC2086 # a list of words
  echo $packages
  exit 0
}
check_node
if is_debian; then install_packages; else check_programs; fi
unpack_kernel
# An installed package has its libraries, and is compiled.
if [ -e package-lock.json ]; then
  install_modules
  build
fi
say 'everything is there'
