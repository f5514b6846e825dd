#!/bin/sh
# Builds a Vagrant box for libvirt with Debian in it, a full kernel and systemd, out of the archive that this machine's own
# apt uses. Prints the path of the box; what is built already is kept. Needs root, and half a minute.
#   sh vagrant/box/debian.sh [PACKAGE…] && vagrant box add --name vmnet/debian FILE
# VMNET_CACHE_DIR: where boxes are kept (default: /var/cache/vmnet).
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

need mmdebstrap mmdebstrap
need mke2fs e2fsprogs
need qemu-img qemu-utils
need ssh-keygen openssh-client
[ "$(id -u)" -eq 0 ] || die 'Debian is unpacked with the owners of its files, which needs root.' "sudo sh $0"

case $(uname -m) in
  aarch64) linux=linux-image-cloud-arm64 ;;
  *) linux=linux-image-cloud-amd64 ;;
esac
packages="systemd systemd-sysv udev dbus openssh-server sudo iproute2 iputils-ping rsync $linux $*"

# Mirror and suite as apt has them.
sources() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/^Debian deb/deb/p' | sort -u
}
[ -n "$(sources)" ] || die 'apt has no lists of Debian here.' 'apt-get update'

hash=$({ cat "$0" "$here/common.sh" "$here"/debian/* && sources && echo "$packages"; } | sha256sum | cut -c 1-16)
box=$boxes/debian-$hash.box
[ ! -e "$box" ] || {
  echo "$box"
  exit 0
}

start_work
root=$work/root
# Proxies, and whether old lists are good enough.
apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-)' > "$work/apt.conf" || true
sources | mmdebstrap --mode=root --variant=minbase --quiet --dpkgopt=force-unsafe-io \
  --include="$(echo $packages | tr ' ' ,)" --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' '' "$root" - >&2

# Only the card that Vagrant logs in by has an address of its own accord.
cp "$here/debian/10-vagrant.network" "$root/etc/systemd/network/10-vagrant.network"
chroot "$root" systemctl --quiet enable systemd-networkd.service
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
echo '/dev/vda / ext4 defaults,noatime 0 1' > "$root/etc/fstab"
: > "$root/etc/machine-id"
echo debian > "$root/etc/hostname"
echo '127.0.0.1 localhost debian' > "$root/etc/hosts"
rm -f "$root/etc/resolv.conf"

# Whoever has the box may log in to its machines, as with every box; the key pair is the box's own.
ssh-keygen -q -t ed25519 -N '' -C vmnet-box -f "$work/key"
chroot "$root" useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/vagrant"
install -d -m 700 "$root/home/vagrant/.ssh"
install -m 600 "$work/key.pub" "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant: /home/vagrant/.ssh

cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd.img"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
cp "$here/debian/Vagrantfile" "$work/Vagrantfile"
mke2fs -q -t ext4 -L root -d "$root" "$work/disk.raw" 4G >&2
qemu-img convert -O qcow2 "$work/disk.raw" "$work/box.img"
echo '{ "provider": "libvirt", "format": "qcow2", "virtual_size": 4 }' > "$work/metadata.json"
pack vmlinuz initrd.img key Vagrantfile box.img metadata.json
