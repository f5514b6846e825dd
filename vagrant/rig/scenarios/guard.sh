# vmnet is killed right after the move, while the LAN is cut: the transient unit puts the NIC back.
. "$(dirname "$0")/common.sh"
leave() { vmnet recover guarded > /dev/null 2>&1; vmnet destroy guarded > /dev/null 2>&1 || true; switch_down; }
switch_up
ip addr add 10.1.0.2/24 dev wan0
ip route add 10.99.99.0/24 via 10.1.0.1
check 'the host reaches the switch' soon 10 ping -c 1 -W 2 10.1.0.1
remember
cat > "$lab" <<'LAB'
{ "version": 1, "name": "guarded", "bridges": { "vbr9": { "uplink": "wan0", "peers": ["10.1.0.1"] } } }
LAB
guards() { systemctl list-units --no-legend --plain 'vmnet-guard-guarded-*' | cut -d ' ' -f 1; }
# The LAN is cut between the last look at it and the move, so that the move is never confirmed: until_moved LINK
until_moved() {
  tries=0
  cut=no
  until [ $cut = yes ] && is_port wan0 vbr9 2> /dev/null; do
    [ $cut = yes ] || ! grep -q '^guarded' /var/lib/vmnet/labs/guarded/pending.log 2> /dev/null || {
      ip -n switch link set "$1" down
      cut=yes
    }
    tries=$((tries + 1))
    [ $tries -lt 6000 ] && kill -0 $pid 2> /dev/null || { cat "$work/provision"; die 'the NIC was not moved'; }
    sleep 0.02
  done
}
say 'kill -9 as soon as the NIC is a port'
vmnet provision --yes "$lab" > "$work/provision" 2>&1 &
pid=$!
until_moved port1
unit=$(guards)
kill -9 $pid
echo "killed while this watched: $unit"
systemctl status --no-pager "$unit" | head -n 12 || true
wait $pid || true
check 'a guard was there, as a unit of systemd' [ -n "$unit" ]
check 'it has put the NIC back, by itself' soon 60 sh -c '! ip link show vbr9 > /dev/null 2>&1 && ip -br addr show dev wan0 | grep -q 10.1.0.2/24'
check 'and is gone' soon 30 sh -c "! systemctl list-units --no-legend --plain 'vmnet-guard-guarded-*' | grep -q ."
ip -n switch link set port1 up
check 'the host is as it was' soon 10 same
run journalctl --no-pager -o cat -u "$unit"
say 'the LAN is cut while vmnet lives: it goes back itself, or its guard does'
vmnet provision --yes "$lab" > "$work/provision" 2>&1 &
pid=$!
until_moved sw
code=0
wait $pid || code=$?
cat "$work/provision"
check 'exit code 1: failed, and the host is as before' [ $code -eq 1 ]
ip -n switch link set sw up
check 'the host is as it was' soon 10 same
