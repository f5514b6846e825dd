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
. "$here/from-archive.sh"
debian=$here/debian

need ssh-keygen openssh-client
need_archive

case $(uname -m) in
  aarch64) linux=linux-image-cloud-arm64 ;;
  *) linux=linux-image-cloud-amd64 ;;
esac
packages="systemd systemd-sysv udev dbus openssh-server sudo iproute2 iputils-ping rsync $linux $*"

hash=$({ cat "$0" "$here/common.sh" "$here/from-archive.sh" "$debian"/* && sources && echo "$packages"; } | sha256sum | cut -c 1-16)
box=$boxes/debian-$hash.box
[ ! -e "$box" ] || {
  echo "$box"
  exit 0
}

start_work
root=$work/root
unpack
make_box debian 4
