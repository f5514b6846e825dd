# NetworkManager owns the NIC, with an address of its own; a lease of its own is not moved, and that is said.
. "$(dirname "$0")/common.sh"
conf=/etc/NetworkManager/conf.d/rig.conf
leave() {
  vmnet destroy managed > /dev/null 2>&1 || true
  nmcli connection delete lan > /dev/null 2>&1 || true
  systemctl stop NetworkManager
  rm -f $conf
  ip addr flush dev eth1
  # It had turned IPv6 off there, and set it up.
  ip link set eth1 down
  sysctl -q net.ipv6.conf.eth1.disable_ipv6=0
}
active() { nmcli -g GENERAL.STATE device show eth1 | grep -q '^100'; }
# Vagrant's own card is not to change hands.
printf '[main]\nno-auto-default=*\n[keyfile]\nunmanaged-devices=interface-name:eth0\n' > $conf
run systemctl start NetworkManager
cat > "$lab" <<'LAB'
{ "version": 1, "name": "managed",
  "bridges": { "vbr0": { "uplink": "eth1", "peers": ["10.99.0.1"] } },
  "namespaces": { "end": { "nics": [{ "bridge": "vbr0", "address": "10.99.0.60/24" }] } } }
LAB
say 'a static address'
run nmcli connection add type ethernet ifname eth1 con-name lan ipv4.method manual ipv4.addresses 10.99.0.20/24 ipv6.method disabled
check 'eth1 is active' soon 60 active
check 'the LAN answers' soon 20 ping -c 1 -W 2 10.99.0.1
remember
run vmnet provision --yes "$lab"
survives() {
  check 'eth1 is a port' is_port eth1 vbr0
  check 'the address is on the bridge' has_address vbr0 10.99.0.20/24
  check 'and not at eth1' not has_address eth1 10.99.0.20/24
  check 'the LAN answers the host' ping -c 2 -W 5 10.99.0.1
  check 'the LAN answers the end' ip netns exec managed-end ping -c 2 -W 5 10.99.0.1
}
survives
run nmcli device
check 'it lets the bridge be' sh -c 'nmcli -t -f DEVICE,STATE device | grep -q "^vbr0:unmanaged"'
say 'systemctl restart NetworkManager'
run systemctl restart NetworkManager
sleep 15
run nmcli device
survives
check 'a second run changes nothing' unchanged "$lab"
run vmnet destroy managed
check 'it has eth1 again' soon 60 active
check 'the host is as it was' soon 30 same
say 'a lease'
run nmcli connection modify lan ipv4.method auto ipv4.addresses '' ipv4.never-default yes
run nmcli connection up lan
check 'eth1 has a lease' soon 60 sh -c 'ip -4 addr show dev eth1 | grep -q dynamic'
remember
refused 'NetworkManager holds them' vmnet provision "$lab"
check 'the host is as it was' same
