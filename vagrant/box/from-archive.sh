# Debian out of the archive that this machine's own apt uses. Comes after common.sh; wants $packages, a list of words.

need_archive() {
  need mmdebstrap mmdebstrap
  need mke2fs e2fsprogs
  need qemu-img qemu-utils
  [ "$(id -u)" -eq 0 ] || die 'Debian is unpacked with the owners of its files, which needs root.' "sudo sh $0"
  [ -n "$(sources)" ] || die 'apt has no lists of Debian here.' 'apt-get update'
}

# sources [RELEASE]: lines for sources.list, with the mirror as apt has it, and its release unless another is named.
sources() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT) $(CODENAME)' 'Created-By: Packages' |
    if [ $# -eq 0 ]; then sed -nE 's/^Debian (deb .*) [^ ]+$/\1/p'
    # Not from the archives of updates, whose release has a name of its own.
    else sed -nE "s/^Debian deb ([^ ]+) ([a-z]+) ([^ ]+) \\2\$/deb \\1 $1 \\3/p"; fi | sort -u
}

# unpack [RELEASE]: into $root.
unpack() {
  # Proxies, and whether old lists are good enough.
  apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-)' > "$work/apt.conf" || true
  # shellcheck disable=SC2086 # a list of words
  sources "$@" | mmdebstrap --mode=root --variant=minbase --quiet --dpkgopt=force-unsafe-io \
    --include="$(echo $packages | tr ' ' ,)" --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "${1:-}" "$root" - >&2
  echo '/dev/vda / ext4 defaults,noatime 0 1' > "$root/etc/fstab"
  : > "$root/etc/machine-id"
  chroot "$root" systemctl --quiet enable systemd-networkd.service
  # Nothing waits for what is not there.
  for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
}

# make_disk FOLDER SIZE DISK: kernel and initrd as vmlinuz and initrd.img, and the rest of $root as a bare ext4 in DISK.
make_disk() {
  cp "$root"/boot/vmlinuz-* "$1/vmlinuz"
  cp "$root"/boot/initrd.img-* "$1/initrd.img"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
  mke2fs -q -t ext4 -L root -d "$root" "$work/disk.raw" "$2" >&2
  qemu-img convert -O qcow2 "$work/disk.raw" "$1/$3"
}

# make_box NAME GIB: $root becomes a box whose user is vagrant.
make_box() {
  # Only the card that Vagrant logs in by has an address of its own accord.
  cp "$debian/10-vagrant.network" "$root/etc/systemd/network/10-vagrant.network"
  echo "$1" > "$root/etc/hostname"
  echo "127.0.0.1 localhost $1" > "$root/etc/hosts"
  rm -f "$root/etc/resolv.conf"
  # Whoever has the box may log in to its machines, as with every box; the key pair is the box's own.
  ssh-keygen -q -t ed25519 -N '' -C "vmnet-$1" -f "$work/key"
  chroot "$root" useradd --create-home --shell /bin/bash vagrant
  echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/vagrant"
  install -d -m 700 "$root/home/vagrant/.ssh"
  install -m 600 "$work/key.pub" "$root/home/vagrant/.ssh/authorized_keys"
  chroot "$root" chown -R vagrant: /home/vagrant/.ssh
  cp "$debian/Vagrantfile" "$work/Vagrantfile"
  make_disk "$work" "${2}G" box.img
  echo "{ \"provider\": \"libvirt\", \"format\": \"qcow2\", \"virtual_size\": $2 }" > "$work/metadata.json"
  pack vmlinuz initrd.img key Vagrantfile box.img metadata.json
}
