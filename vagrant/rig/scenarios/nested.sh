# A guest inside, on the bridge with the machine's own NIC: its way is proven, and made a bad one.
. "$(dirname "$0")/common.sh"
leave() { vmnet destroy nested > /dev/null 2>&1 || true; ip addr flush dev eth1; }
ip link set eth1 up
ip addr add 10.99.0.20/24 dev eth1
check 'the LAN answers' soon 20 ping -c 1 -W 2 10.99.0.1
remember
cat > "$lab" <<'LAB'
{ "version": 1, "name": "nested",
  "bridges": { "vbr0": { "uplink": "eth1" } },
  "vms": { "guest": { "boot": "probe", "readyTimeout": "20m", "nics": [{ "bridge": "vbr0", "tap": "tap-guest", "address": "10.99.0.50/24" }] } } }
LAB
run vmnet provision --yes "$lab"
check 'its way is direct' sh -c 'vmnet verify nested | grep -q " direct$"'
check 'the guest answers the host' ping -c 2 -W 5 10.99.0.50
run vmnet status nested
say 'a bad line: netem'
run vmnet impair guest --delay 2s
run tc qdisc show dev tap-guest
check 'netem is at the tap' sh -c 'tc qdisc show dev tap-guest | grep -q "netem.*delay 2s"'
rtt() { ping -c 5 -i 3 -W 10 "$1" | sed -n 's/^rtt [^=]*= \([0-9]*\)\..*/\1/p'; }
check 'no answer within 2 seconds' [ "$(rtt 10.99.0.50)" -ge 2000 ]
run vmnet impair guest --clear
check 'netem is gone' not sh -c 'tc qdisc show dev tap-guest | grep -q netem'
check 'a second run changes nothing' unchanged "$lab"
run vmnet destroy nested
check 'the host is as it was' soon 10 same
