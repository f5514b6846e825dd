# Before the reboot: two labs, of which one is to come back. eth1 is networkd's, also at boot.
. "$(dirname "$0")/common.sh"
printf '[Match]\nName=eth1\n\n[Network]\nAddress=10.99.0.20/24\nLinkLocalAddressing=no\n' > /etc/systemd/network/20-eth1.network
run networkctl reload
check 'eth1 has its address' soon 30 has_address eth1 10.99.0.20/24
mkdir -p /root/rig
remember
cp "$work/before" /root/rig/before
cat > /root/rig/stays.json <<'LAB'
{ "version": 1, "name": "stays",
  "bridges": { "vbr0": { "uplink": "eth1" } },
  "vms": { "guest": { "boot": "probe", "nics": [{ "bridge": "vbr0", "tap": "tap-stays", "address": "10.99.0.50/24" }] } } }
LAB
cat > /root/rig/goes.json <<'LAB'
{ "version": 1, "name": "goes", "bridges": { "vbr1": { "address": "10.7.0.1/24" } },
  "namespaces": { "end": { "nics": [{ "bridge": "vbr1", "address": "10.7.0.2/24" }] } } }
LAB
run vmnet provision --yes --network-only /root/rig/stays.json
run vmnet provision --yes /root/rig/goes.json
run vmnet enable stays
run systemctl cat vmnet-lab-stays.service
run systemd-analyze verify vmnet-lab-stays.service
cat /proc/sys/kernel/random/boot_id > /root/rig/boot
