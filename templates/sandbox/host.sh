# The throw-away host: runs as the first process of its own mount, network and process namespaces, so that
# everything started in it ends with it. Nothing mounted here is seen outside.
# Arguments: kvm or no-kvm; ovs or no-ovs.
set -e
kvm=$1 ovs=${2-no-ovs}

mount --make-rprivate /
# libvirt looks at each mount of huge pages, and gives up where another mount hides it, as ours of /dev would.
while read -r _ folder kind _; do
  [ "$kind" != hugetlbfs ] || umount -l "$folder"
done < /proc/mounts
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=0755 run /run
mkdir -p /run/libvirt /run/lock
for folder in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
  mount -t tmpfs -o mode=0755 private "$folder"
done

# A /dev with what QEMU needs, and /dev/kvm only where it was proven to work: libvirt asks QEMU anew at
# every start where it is broken, which takes a minute.
dev=/run/dev
mkdir $dev
mount -t tmpfs -o mode=0755 dev $dev
devices='null zero full random urandom tty net/tun'
[ "$kvm" = kvm ] && devices="$devices kvm"
[ -e /dev/vhost-net ] && devices="$devices vhost-net"
mkdir $dev/net $dev/pts $dev/shm
for device in $devices; do
  : > "$dev/$device"
  mount --bind "/dev/$device" "$dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts $dev/pts
mount -t tmpfs shm $dev/shm
ln -s pts/ptmx $dev/ptmx
ln -s /proc/self/fd $dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do
  ln -s "/proc/self/fd/${stream%%:*}" "$dev/${stream#*:}"
done
mount --move $dev /dev
rmdir $dev

# In the place of udev, which makes the nodes of macvtap devices; libvirt waits for one a fifth of a second.
ip monitor link 2> /dev/null | while read -r _; do
  for node in /sys/class/macvtap/tap*; do
    [ -e "$node/dev" ] && [ ! -e "/dev/${node##*/}" ] || continue
    IFS=: read -r major minor < "$node/dev" && mknod -m 0600 "/dev/${node##*/}" c "$major" "$minor"
  done
  for node in /dev/tap*; do
    [ ! -e "$node" ] || [ -e "/sys/class/macvtap/${node##*/}" ] || rm -f "$node"
  done
done > /dev/null 2>&1 &

cat > /etc/libvirt/qemu.conf <<'CONF'
namespaces = []
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
stdio_handler = "file"
cgroup_controllers = []
max_core = 0
CONF
cat > /etc/libvirt/libvirtd.conf <<'CONF'
auth_unix_rw = "none"
auth_unix_ro = "none"
CONF

ip link set dev lo up
# As on a host that never loaded br_netfilter, whose settings in a new namespace would be 1.
for switch in /proc/sys/net/bridge/bridge-nf-call-*; do
  [ ! -e "$switch" ] || echo 0 > "$switch"
done
# Open vSwitch below our own /run, with its database there. It has to know of checksums that the kernel has not filled in
# yet (user space TSO): our cables are veths, which leave them open.
if [ "$ovs" = ovs ]; then
  command -v ovs-vswitchd > /dev/null || {
    echo 'Open vSwitch is not installed: apt-get install openvswitch-switch' >&2
    exit 1
  }
  mkdir /run/openvswitch
  cd /run/openvswitch
  db=unix:/run/openvswitch/db.sock
  schema=/usr/share/openvswitch/vswitch.ovsschema
  ovsdb-tool create conf.db "$schema"
  # Not in our own environment's folders: those are of the world outside.
  unset OVS_RUNDIR OVS_DBDIR OVS_LOGDIR OVS_SYSCONFDIR
  quiet='--detach --no-chdir -vconsole:off -vsyslog:off'
  # shellcheck disable=SC2086 # a list of words
  ovsdb-server conf.db --remote=p$db --pidfile --unixctl=/run/openvswitch/ovsdb-server.ctl $quiet
  ovs-vsctl --db=$db --no-wait -- init -- set Open_vSwitch . other_config:userspace-tso-enable=true
  # shellcheck disable=SC2086 # a list of words
  ovs-vswitchd $db --pidfile $quiet
  cd /
fi

libvirtd -d -f /etc/libvirt/libvirtd.conf -p /run/libvirtd.pid > /run/libvirtd.out 2>&1 || {
  cat /run/libvirtd.out /var/log/libvirt/*.log >&2
  exit 1
}

echo ready
exec < /dev/null > /dev/null 2>&1
# The first process of a namespace inherits its orphans; `wait` is what reaps them.
sleep infinity &
wait
