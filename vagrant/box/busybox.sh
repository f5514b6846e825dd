#!/bin/sh
# Builds a Vagrant box for libvirt out of what is installed here: a kernel, busybox-static and dropbear. Nothing is
# downloaded. Prints the path of the box; what is built already is kept.
#   sh vagrant/box/busybox.sh && vagrant box add --name vmnet/busybox FILE
# VMNET_CACHE_DIR: where the kernel is, and the boxes are kept (default: /var/cache/vmnet).
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

need busybox busybox-static
need dropbear dropbear-bin
need ssh-keygen openssh-client
need qemu-img qemu-utils
need cpio cpio
find_kernel

wanted='virtio_pci virtio_net'
hash=$(cat "$0" "$here/common.sh" "$here"/busybox/* "$(command -v busybox)" "$(command -v dropbear)" "$kernel" |
  sha256sum | cut -c 1-16)
box=$boxes/busybox-$hash.box
[ ! -e "$box" ] || {
  echo "$box"
  exit 0
}

start_work
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run" "$root/root/.ssh" \
  "$root/etc/dropbear" "$root/modules" "$root/sbin"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/busybox/init" "$root/init"
cp "$here/busybox/shutdown" "$root/sbin/shutdown"
cp "$here/busybox/lease" "$root/bin/lease"
chmod 755 "$root/init" "$root/sbin/shutdown" "$root/bin/lease"
echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"
echo /bin/sh > "$root/etc/shells"

# dropbear, and the libraries that it is linked with.
cp "$(command -v dropbear)" "$root/bin/dropbear"
ldd "$(command -v dropbear)" | tr -s ' \t' '\n' | grep '^/' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

# Drivers in the order in which they have to be loaded; what is built in needs none.
n=10
for module in $wanted; do
  modprobe -d "$tree" -S "$release" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r file; do
  name=$(basename "$file")
  case $name in
    *.xz) xz -dc "$file" > "$root/modules/$n-${name%.xz}" ;;
    *.zst) zstd -qdc "$file" > "$root/modules/$n-${name%.zst}" ;;
    *) cp "$file" "$root/modules/$n-$name" ;;
  esac
  n=$((n + 1))
done

# Whoever has the box may log in to its machines, as with every box; the key pair is the box's own.
ssh-keygen -q -t ed25519 -N '' -C vmnet-box -f "$work/key"
cp "$work/key.pub" "$root/root/.ssh/authorized_keys"
chmod 700 "$root/root" "$root/root/.ssh"

(cd "$root" && find . | cpio -o -H newc --owner=0:0 --quiet | gzip -1) > "$work/initrd.img"
cp "$kernel" "$work/vmlinuz"
cp "$here/busybox/Vagrantfile" "$work/Vagrantfile"
# All is in memory; but vagrant-libvirt wants a disk.
qemu-img create -q -f qcow2 "$work/box.img" 1G
echo '{ "provider": "libvirt", "format": "qcow2", "virtual_size": 1 }' > "$work/metadata.json"
pack vmlinuz initrd.img key Vagrantfile box.img metadata.json
