#!/bin/sh
# Makes a Debian disk, with its kernel beside it, from the archive that this machine's own apt uses.
# debian.sh FOLDER: disk.qcow2 (bare ext4), vmlinuz and initrd.img are put there.
# debian.sh --key: what the image depends on, as one word; another word means another image.
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin

packages=systemd,systemd-sysv,udev,dbus,openssh-server,cloud-init,netplan.io,qemu-guest-agent,iproute2,iputils-ping

case $(uname -m) in
  aarch64) packages=$packages,linux-image-cloud-arm64 ;;
  *) packages=$packages,linux-image-cloud-amd64 ;;
esac

# Mirror and suite as apt has them.
sources() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/^Debian deb/deb/p' | sort -u
}

if [ "$1" = --key ]; then
  { cat "$0" && sources; } | sha256sum | cut -c 1-16
  exit
fi

folder=$1
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
root=$work/root

sources > "$work/sources"
[ -s "$work/sources" ] || { echo 'apt has no sources of Debian here' >&2; exit 1; }
# Proxies, and whether old lists are good enough.
apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-)' > "$work/apt.conf" || true

mmdebstrap --mode=root --variant=minbase --quiet --dpkgopt=force-unsafe-io --include="$packages" \
  --aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  '' "$root" - < "$work/sources"

# Nothing but our seed is looked for, and nothing waits for what this machine has not.
cat > "$root/etc/cloud/cloud.cfg.d/90-tests.cfg" <<'CFG'
datasource_list: [ NoCloud, None ]
disable_root: false
CFG
echo '/dev/vda / ext4 defaults,noatime 0 1' > "$root/etc/fstab"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id"
: > "$root/etc/machine-id"
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
chroot "$root" systemctl --quiet enable systemd-networkd.service

mkdir "$work/out"
cp "$root"/boot/vmlinuz-* "$work/out/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/out/initrd.img"
rm -rf "$root"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
mke2fs -q -t ext4 -L root -d "$root" "$work/disk.raw" 1200M
qemu-img convert -O qcow2 "$work/disk.raw" "$work/out/disk.qcow2"
chmod 755 "$work/out"
# Whole or not at all.
mv "$work/out" "$folder"
