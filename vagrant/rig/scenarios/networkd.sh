# systemd-networkd owns the NIC, with an address of its own and then with one by DHCP.
. "$(dirname "$0")/common.sh"
file=/etc/systemd/network/20-eth1.network
leave() {
  vmnet destroy owned > /dev/null 2>&1 || true
  rm -f $file
  networkctl reload
  ip addr flush dev eth1
}
configured() { networkctl list --no-legend --no-pager eth1 | grep -q "$1"; }
cat > "$lab" <<'LAB'
{ "version": 1, "name": "owned",
  "bridges": { "vbr0": { "uplink": "eth1", "peers": ["10.99.0.1"] } },
  "namespaces": { "end": { "nics": [{ "bridge": "vbr0", "address": "10.99.0.60/24" }] } } }
LAB
for kind in 'Address=10.99.0.20/24' 'DHCP=ipv4'; do
  say "eth1 is networkd's: $kind"
  printf '[Match]\nName=eth1\n\n[Network]\n%s\nLinkLocalAddressing=no\n[DHCPv4]\nUseRoutes=no\n' "$kind" > $file
  run networkctl reload
  check 'eth1 is configured' soon 60 configured configured
  address=$(ip -br -4 addr show dev eth1 | awk '{ print $3 }')
  check 'the LAN answers' soon 20 ping -c 1 -W 2 10.99.0.1
  remember
  run vmnet provision --yes "$lab"
  check 'eth1 is a port' is_port eth1 vbr0
  check "the address $address is on the bridge" has_address vbr0 "$address"
  check 'and no longer at eth1' not has_address eth1 "$address"
  check 'the LAN answers the host' ping -c 2 -W 5 10.99.0.1
  check 'the LAN answers the end' ip netns exec owned-end ping -c 2 -W 5 10.99.0.1
  say 'systemctl restart systemd-networkd'
  run systemctl restart systemd-networkd
  check 'networkd is at work again' soon 60 networkctl list --no-legend --no-pager
  sleep 10
  run networkctl list --no-pager
  check 'eth1 is still a port' is_port eth1 vbr0
  check 'the address is still on the bridge' has_address vbr0 "$address"
  check 'and not at eth1' not has_address eth1 "$address"
  check 'the LAN answers the host' ping -c 2 -W 5 10.99.0.1
  check 'the LAN answers the end' ip netns exec owned-end ping -c 2 -W 5 10.99.0.1
  check 'a second run changes nothing' unchanged "$lab"
  run vmnet destroy owned
  check 'networkd has eth1 again' soon 60 configured configured
  check 'the host is as it was' soon 30 same
done
