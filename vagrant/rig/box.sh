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

need mmdebstrap mmdebstrap
need mke2fs e2fsprogs
need qemu-img qemu-utils
need ssh-keygen openssh-client
[ "$(id -u)" -eq 0 ] || die 'Debian is unpacked with the owners of its files, which needs root.' "sudo sh $0"

case $(uname -m) in
  aarch64) linux=linux-image-arm64 ;;
  *) linux=linux-image-amd64 ;;
esac
# What set-up wants to be there; Node and npm as the README says; then what the scenarios and the host tests are about.
packages="systemd systemd-sysv udev dbus openssh-server sudo rsync procps less $linux $(sh "$top/scripts/setup.sh" packages)
  nodejs npm git ca-certificates python3 strace
  network-manager isc-dhcp-client udhcpc dhcpcd-base iptables ebtables arptables openvswitch-switch genisoimage"

# The mirror as apt has it; Debian 13, whose Node is new enough.
sources() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) trixie $(COMPONENT) $(CODENAME) $(RELEASE)' 'Created-By: Packages' |
    sed -nE 's/^Debian (deb .*) ([a-z]+) \2$/\1/p' | sort -u
}
[ -n "$(sources)" ] || die 'apt has no lists of Debian here.' 'apt-get update'

hash=$({ cat "$0" "$here/../box/common.sh" "$here"/../box/debian/* && sources && echo "$packages"; } | sha256sum | cut -c 1-16)
box=$boxes/rig-$hash.box
[ ! -e "$box" ] || {
  echo "$box"
  exit 0
}

start_work
root=$work/root
apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-)' > "$work/apt.conf" || true
# shellcheck disable=SC2086 # a list of words
sources | mmdebstrap --mode=root --variant=minbase --quiet --dpkgopt=force-unsafe-io \
  --include="$(echo $packages | tr ' ' ,)" --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' trixie "$root" - >&2

# Only the card that Vagrant logs in by has an address of its own accord.
cp "$here/../box/debian/10-vagrant.network" "$root/etc/systemd/network/10-vagrant.network"
chroot "$root" systemctl --quiet enable systemd-networkd.service
# The scenario of NetworkManager starts it, and no other should have it at work.
chroot "$root" systemctl --quiet disable NetworkManager.service NetworkManager-wait-online.service dnsmasq.service 2> /dev/null || true
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
echo '/dev/vda / ext4 defaults,noatime 0 1' > "$root/etc/fstab"
: > "$root/etc/machine-id"
echo rig > "$root/etc/hostname"
echo '127.0.0.1 localhost rig' > "$root/etc/hosts"
rm -f "$root/etc/resolv.conf"

# Whoever has the box may log in to its machines, as with every box; the key pair is the box's own.
ssh-keygen -q -t ed25519 -N '' -C vmnet-rig -f "$work/key"
chroot "$root" useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/vagrant"
install -d -m 700 "$root/home/vagrant/.ssh"
install -m 600 "$work/key.pub" "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant: /home/vagrant/.ssh

cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd.img"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
cp "$here/../box/debian/Vagrantfile" "$work/Vagrantfile"
mke2fs -q -t ext4 -L root -d "$root" "$work/disk.raw" 8G >&2
qemu-img convert -O qcow2 "$work/disk.raw" "$work/box.img"
echo '{ "provider": "libvirt", "format": "qcow2", "virtual_size": 8 }' > "$work/metadata.json"
pack vmlinuz initrd.img key Vagrantfile box.img metadata.json
