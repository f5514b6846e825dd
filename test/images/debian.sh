#!/bin/sh
# Makes a Debian disk, with its kernel beside it, from the archive that this machine's own apt uses.
# debian.sh FOLDER: disk.qcow2 (bare ext4), vmlinuz and initrd.img are put there.
# debian.sh --key: what the image depends on, as one word; another word means another image.
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
box=$(cd "$(dirname "$0")/../../vagrant/box" && pwd)
. "$box/common.sh"
. "$box/from-archive.sh"
need_archive

packages='systemd systemd-sysv udev dbus openssh-server cloud-init netplan.io qemu-guest-agent iproute2 iputils-ping'
case $(uname -m) in
  aarch64) packages="$packages linux-image-cloud-arm64" ;;
  *) packages="$packages linux-image-cloud-amd64" ;;
esac

if [ "$1" = --key ]; then
  { cat "$0" "$box/from-archive.sh" && sources; } | sha256sum | cut -c 1-16
  exit
fi

folder=$1
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
root=$work/root
unpack

# Nothing but our seed is looked for.
cat > "$root/etc/cloud/cloud.cfg.d/90-tests.cfg" <<'CFG'
datasource_list: [ NoCloud, None ]
disable_root: false
CFG
rm -f "$root"/etc/ssh/ssh_host_*

mkdir "$work/out"
make_disk "$work/out" 1200M disk.qcow2
chmod 755 "$work/out"
# Whole or not at all.
mv "$work/out" "$folder"
