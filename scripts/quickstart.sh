#!/bin/sh
# Set-up, then a rehearsal of the bundled lab in namespaces of its own: nothing of this machine's network is touched.
# Ends with the rehearsal's exit code.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cd "$(dirname "$0")/.."

sh scripts/setup.sh

node=$(command -v node)

# Root's PATH may lack this Node (nvm and the like), and sudo drops variables.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo env "PATH=$PATH" ${VMNET_CACHE_DIR:+"VMNET_CACHE_DIR=$VMNET_CACHE_DIR"} "$@"; fi
}

[ "$(id -u)" -eq 0 ] || command -v sudo > /dev/null || {
  printf 'quickstart: The rehearsal needs root, and there is no sudo.\n  As root, in this folder: node dist/cli.js rehearse templates/labs/quickstart.json\n' >&2
  exit 1
}

echo
rc=0
as_root "$node" dist/cli.js rehearse templates/labs/quickstart.json || rc=$?
if [ $rc -ne 0 ]; then
  printf '\nquickstart: The rehearsal failed (exit code %s), for the reason above. The network of this machine was not touched.\n' $rc >&2
  printf '  README.md has a section "Troubles"; for all details: node dist/cli.js --debug debug.txt rehearse templates/labs/quickstart.json\n' >&2
  exit $rc
fi

# --- How to go on: only looks ---------------------------------------------------------------------------

default_nic() {
  for family in -4 -6; do
    ip $family route show default 2> /dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
  done | head -n 1
}

# What keeps an interface from being an uplink, if anything does.
fault() {
  if [ -e "/sys/class/net/$1/wireless" ] || [ -e "/sys/class/net/$1/phy80211" ]; then
    echo "$1 is Wi-Fi, which cannot be bridged: an access point takes frames from its own stations only. Use a wired NIC."
  elif [ -e "/sys/class/net/$1/bridge" ]; then
    echo "$1 is a bridge already, which vmnet does not take over. Use another NIC, or free the one below it."
  elif [ -e "/sys/class/net/$1/master" ]; then
    echo "$1 is already a port of another interface. Use another NIC, or free it."
  elif [ "$(cat "/sys/class/net/$1/type" 2> /dev/null)" != 1 ]; then
    echo "$1 is not Ethernet, so it cannot be bridged. Use a wired NIC."
  fi
}

nic=$(default_nic)
printf '\nThat was a throw-away host. On this machine, in this folder:\n\n'
fault='this machine has no default route, so no NIC suggests itself.'
[ -z "$nic" ] || fault=$(fault "$nic")
if [ -n "$fault" ]; then
  printf '  First: %s\n  "ip -brief link" lists them; put its name in the place of NIC.\n\n' "$fault"
  nic=NIC
elif ip -4 address show dev "$nic" 2> /dev/null | grep -q dynamic; then
  printf '  %s has its address by DHCP: provision takes the client along where it can, and else says so and stops. See README.md, "Troubles".\n\n' "$nic"
fi
sudo=''
[ "$(id -u)" -eq 0 ] || sudo='sudo '
# Where sudo does not find this Node, it has to be told the way.
# shellcheck disable=SC2016 # the user's shell is to expand it
[ -z "$sudo" ] || [ "$(sudo -n sh -c 'command -v node' 2> /dev/null)" = "$node" ] || sudo='sudo env "PATH=$PATH:/usr/sbin:/sbin" '
line() { printf '  %-60s %s\n' "$1" "# $2"; }
line "npx vmnet init --uplink $nic homelab.json" "writes a small lab for $nic: look at it"
line "${sudo}npx vmnet plan homelab.json" 'shows every step, and changes nothing'
line "${sudo}npx vmnet provision homelab.json" 'builds it, and proves it'
line "${sudo}npx vmnet destroy homelab.json" 'puts everything back'
printf '\nAfter "npm install -g ." it is just "vmnet", from any folder.\n'
printf 'Over SSH, have a second way in at hand for the first time: README.md, "Limits", says why.\n'
