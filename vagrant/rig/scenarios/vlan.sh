# A bridge that filters VLANs, with access and trunk ports, on a real 802.1Q uplink.
. "$(dirname "$0")/common.sh"
leave() { vmnet destroy vlans > /dev/null 2>&1 || true; switch_down; }
switch_up
remember
cat > "$lab" <<'LAB'
{ "version": 1, "name": "vlans",
  "bridges": { "vbr0": { "uplink": "wan0", "vlanFiltering": true, "address": "none" } },
  "namespaces": {
    "ten": { "nics": [{ "bridge": "vbr0", "vlan": { "access": 10 }, "address": "10.10.0.50/24" }] },
    "twenty": { "nics": [
      { "bridge": "vbr0", "vlan": { "access": 20 }, "address": "10.20.0.50/24" },
      { "bridge": "vbr0", "vlan": { "trunk": [10, 20], "native": 1 }, "address": "10.1.0.50/24" } ] } } }
LAB
say 'an end in VLAN 10, one in VLAN 20, which has a trunk as well'
run vmnet provision --yes "$lab"
run bridge vlan show
port() { basename "$(ip -br link show "vmnet.vlans.$1" | cut -d @ -f 1 | xargs)"; }
vlans() { bridge vlan show dev "$(port "$1")" | sed "s/^$(port "$1")//; /^port/d" | xargs; }
check 'ten: 10, untagged' [ "$(vlans ten.0)" = '10 PVID Egress Untagged' ]
check 'twenty: 20, untagged' [ "$(vlans twenty.0)" = '20 PVID Egress Untagged' ]
check 'its trunk: 1 untagged, 10 and 20 with tags' [ "$(vlans twenty.1)" = '1 PVID Egress Untagged 10 20' ]
say 'the switch reaches each in its VLAN, and only there'
check '10.10.0.50 answers in VLAN 10' pings switch 10.10.0.50
check '10.20.0.50 answers in VLAN 20' pings switch 10.20.0.50
check '10.1.0.50 answers without a tag' pings switch 10.1.0.50
ip -n switch addr add 10.10.0.2/24 dev sw.20
ip -n switch route add 10.10.0.50 dev sw.20 src 10.10.0.2
check '10.10.0.50 does not answer in VLAN 20' not pings switch 10.10.0.50
ip -n switch addr del 10.10.0.2/24 dev sw.20
ip -n vlans-twenty link add link eth1 name eth1.10 up type vlan id 10
ip -n vlans-twenty addr add 10.10.0.51/24 dev eth1.10
check '10.10.0.51 answers over the trunk, with the tag of VLAN 10' pings switch 10.10.0.51
say 'the proof'
run vmnet verify vlans
check 'a second run changes nothing' unchanged "$lab"
run vmnet destroy vlans
check 'the host is as it was' same
