# What the scenarios share. Each runs as root inside the rig's machine, prints what it does, and ends with the first failure.
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ -d /opt/npm ] && [ "$(systemd-detect-virt)" != none ] || {
  echo 'This changes the network of the machine that it runs on: only for the machine of vagrant/rig.' >&2
  exit 2
}
export NO_COLOR=1
work=$(mktemp -d)
lab=$work/lab.json

say() { printf '\n== %s\n' "$*"; }

# run COMMAND…: shown, and has to succeed.
run() {
  printf '$ %s\n' "$*"
  "$@" || die "exit code $?"
}

# refused TEXT COMMAND…: shown, has to fail, and to say that.
refused() {
  wanted=$1
  shift
  printf '$ %s\n' "$*"
  ! "$@" > "$work/out" 2>&1 || { cat "$work/out"; die 'it should have been refused'; }
  cat "$work/out"
  grep -q "$wanted" "$work/out" || die "it does not say: $wanted"
}

# check WHAT COMMAND…: a condition; what the command prints is shown only where it does not hold.
check() {
  what=$1
  shift
  if "$@" > "$work/out" 2>&1; then echo "ok: $what"; else
    cat "$work/out"
    die "$what"
  fi
}

# soon SECONDS COMMAND…: until it holds.
soon() {
  tries=$1
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 1
  done
}

not() { ! "$@"; }

die() {
  echo "FAILED: $*"
  echo '--- links, addresses, routes'
  ip -br link
  ip -br addr
  ip route
  exit 1
}

# The host's network as it has to be again: without what only time changes.
state() {
  ip -j -d link | python3 -c '
import json, sys
for link in sorted(json.load(sys.stdin), key=lambda link: link.get("ifname", "")):
    print(*(link.get(key) for key in ("ifname", "address", "mtu", "master", "altnames", "ifalias", "operstate")))'
  ip -br addr | awk '{ $2 = ""; print }' | sort
  { ip route show table all && ip -6 route show table all && ip rule && ip -6 rule; } |
    sed -E 's/ (expires|used|age) [0-9a-z]+//g; s/ (linkdown|nhid [0-9]+)//g; s/ +$//' | sort
  find /run/systemd/network /run/NetworkManager/conf.d -name '*vmnet*' 2> /dev/null || true
}
# An address is settled when nobody else was found to have it; its route comes then.
settled() { [ -z "$(ip -6 addr show tentative)" ]; }

remember() {
  soon 10 settled || die 'an address is still tentative'
  state > "$work/before"
}

same() {
  soon 10 settled
  state > "$work/after"
  diff "$work/before" "$work/after"
}

# Answers of an address to three questions, asked in a namespace: pings NAMESPACE ADDRESS
pings() { ip netns exec "$1" ping -c 3 -i 0.5 -W 5 "$2" | grep -q ' 0% packet loss'; }

# A second run has nothing to do: unchanged LABFILE [OPTION…]
unchanged() {
  vmnet plan --json "$@" > "$work/plan" || { cat "$work/plan"; return 1; }
  python3 -c '
import json, sys
steps = [step["title"] for phase in json.load(open(sys.argv[1]))["plan"]["phases"] for step in phase["steps"]]
print(*steps, sep="\n")
sys.exit(len(steps) > 0)' "$work/plan"
}

is_port() { [ "$(basename "$(readlink "/sys/class/net/$1/master")")" = "$2" ]; }
has_address() { ip -br addr show dev "$1" | grep -qF " $2"; }

# A switch in a namespace, on a cable to the NIC wan0: a bridge that filters VLANs, with the NIC's port carrying 1 untagged
# and 10 and 20 with tags, and an address of its own in each.
switch_up() {
  ip netns add switch
  ip link add wan0 type veth peer name port1 netns switch
  ip -n switch link set lo up
  ip -n switch link add sw type bridge vlan_filtering 1 forward_delay 0
  ip -n switch link set port1 master sw
  for vid in 10 20; do
    ip netns exec switch bridge vlan add dev port1 vid $vid
    ip netns exec switch bridge vlan add dev sw vid $vid self
    ip -n switch link add link sw name sw.$vid type vlan id $vid
    ip -n switch addr add 10.$vid.0.1/24 dev sw.$vid
  done
  ip -n switch addr add 10.1.0.1/24 dev sw
  for link in port1 sw sw.10 sw.20; do ip -n switch link set $link up; done
  ip link set wan0 up
}

switch_down() {
  ip netns del switch
  soon 10 not ip link show wan0 > /dev/null 2>&1
}

cleanup() {
  code=$?
  ! command -v leave > /dev/null || leave || true
  rm -rf "$work"
  [ $code -eq 0 ] && echo 'PASSED'
  exit $code
}
trap cleanup EXIT
