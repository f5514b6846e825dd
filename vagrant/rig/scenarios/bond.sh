# An uplink that is a bond of two NICs, one in use at a time, with the host's address on it.
. "$(dirname "$0")/common.sh"
leave() { vmnet destroy bonded > /dev/null 2>&1 || true; ip link del bond0 2> /dev/null; ip link del wan1 2> /dev/null; switch_down; }
switch_up
ip link add wan1 type veth peer name port2 netns switch
ip -n switch link set port2 master sw up
ip link add bond0 type bond mode active-backup miimon 100
for nic in wan0 wan1; do
  ip link set $nic down
  ip link set $nic master bond0
done
ip addr add 10.1.0.2/24 dev bond0
ip link set bond0 up
ip route add 10.99.99.0/24 via 10.1.0.1
check 'the host reaches the switch' soon 10 ping -c 1 -W 2 10.1.0.1
remember
cat > "$lab" <<'LAB'
{ "version": 1, "name": "bonded",
  "bridges": { "vbr0": { "uplink": "bond0", "peers": ["10.1.0.1"] } },
  "namespaces": { "end": { "nics": [{ "bridge": "vbr0", "address": "10.1.0.60/24" }] } } }
LAB
run vmnet provision --yes "$lab"
check 'the bond is a port of the bridge' is_port bond0 vbr0
check 'the address is on the bridge' has_address vbr0 10.1.0.2/24
check 'the route goes by the bridge' sh -c 'ip route | grep -q "10.99.99.0/24 via 10.1.0.1 dev vbr0"'
check 'the switch reaches the host' pings switch 10.1.0.2
check 'the switch reaches the end' pings switch 10.1.0.60
active=$(cat /sys/class/net/bond0/bonding/active_slave)
say "the cable of $active is pulled"
case $active in wan0) port=port1 ;; *) port=port2 ;; esac
run ip -n switch link set $port down
check 'the bond has gone over to the other' soon 10 sh -c "[ \$(cat /sys/class/net/bond0/bonding/active_slave) != $active ]"
# The switch forgets by what was behind the other port when its carrier went.
check 'the switch reaches the end' soon 20 pings switch 10.1.0.60
check 'the switch reaches the host' pings switch 10.1.0.2
run ip -n switch link set $port up
check 'a second run changes nothing' unchanged "$lab"
run vmnet destroy bonded
check 'both cables are up' soon 10 sh -c '[ $(grep -c "MII Status: up" /proc/net/bonding/bond0) = 3 ]'
check 'the host is as it was' same
