# An uplink that is VLAN 10 of a NIC: made, used, and gone again.
. "$(dirname "$0")/common.sh"
leave() { vmnet destroy tagged > /dev/null 2>&1 || true; switch_down; }
switch_up
remember
cat > "$lab" <<'LAB'
{ "version": 1, "name": "tagged",
  "bridges": { "vbr0": { "uplink": "wan0.10", "address": "none" } },
  "namespaces": { "end": { "nics": [{ "bridge": "vbr0", "address": "10.10.0.60/24" }] } } }
LAB
run vmnet provision --yes "$lab"
run ip -d link show dev wan0.10
check 'it is 802.1Q, id 10' sh -c 'ip -d link show dev wan0.10 | grep -q "vlan protocol 802.1Q id 10"'
check 'it is a port of the bridge' is_port wan0.10 vbr0
check 'the switch reaches 10.10.0.60 in VLAN 10' pings switch 10.10.0.60
check 'a second run changes nothing' unchanged "$lab"
run vmnet destroy tagged
check 'the host is as it was' same
