#!/bin/sh
# Builds the rig's box: Debian 13 with the full kernel, and all that scripts/setup.sh would install, out of the archive that
# this machine's own apt uses. Prints the path of the box; what is built already is kept. Needs root, and some minutes.
#   sh vagrant/rig/box.sh && vagrant box add --name vmnet/rig FILE
# VMNET_CACHE_DIR: where boxes are kept (default: /var/cache/vmnet).
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/../box/common.sh"
. "$here/../box/from-archive.sh"
debian=$here/../box/debian

need ssh-keygen openssh-client
need_archive

case $(uname -m) in
  aarch64) linux=linux-image-arm64 ;;
  *) linux=linux-image-amd64 ;;
esac
# What set-up wants to be there; Node and npm as the README says; then what the scenarios and the host tests are about.
packages="systemd systemd-sysv udev dbus openssh-server sudo rsync procps less $linux $(sh "$top/scripts/setup.sh" packages)
  nodejs npm git ca-certificates python3 strace
  network-manager isc-dhcp-client udhcpc dhcpcd-base iptables ebtables arptables openvswitch-switch genisoimage"

release=trixie # whose Node is new enough

hash=$({ cat "$0" "$here"/../box/common.sh "$here"/../box/from-archive.sh "$debian"/* && sources $release && echo "$packages"; } | sha256sum | cut -c 1-16)
box=$boxes/rig-$hash.box
[ ! -e "$box" ] || {
  echo "$box"
  exit 0
}

start_work
root=$work/root
unpack $release
# The scenario of NetworkManager starts it, and no other should have it at work.
chroot "$root" systemctl --quiet disable NetworkManager.service NetworkManager-wait-online.service dnsmasq.service 2> /dev/null || true
make_box rig 8
