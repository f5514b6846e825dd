# Host tests of the suite whose ground a build machine's kernel may lack. Emulated, all of them take hours: name more as arguments.
. "$(dirname "$0")/common.sh"
cd /home/vagrant/vmnet
[ $# -gt 0 ] || set -- host/vlan host/netns host/place
run npx vitest run --config test/vitest.config.ts --project host --testTimeout 900000 --hookTimeout 900000 "$@"
