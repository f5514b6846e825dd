# After the reboot: one lab is back without anybody's doing, the other is told of and cleaned away.
. "$(dirname "$0")/common.sh"
check 'the machine was rebooted' [ "$(cat /proc/sys/kernel/random/boot_id)" != "$(cat /root/rig/boot)" ]
started() { [ "$(systemctl is-active vmnet-lab-stays.service)" = active ]; }
soon 180 started || true
run systemctl status --no-pager vmnet-lab-stays.service
run journalctl --no-pager -b -o short-monotonic -u vmnet-lab-stays.service
check 'the unit has done its work' started
check 'eth1 is a port' is_port eth1 vbr0
check 'its address is on the bridge' has_address vbr0 10.99.0.20/24
check 'and not at eth1' not has_address eth1 10.99.0.20/24
check 'the tap is a port' is_port tap-stays vbr0
check 'the LAN answers the host' soon 10 ping -c 2 -W 5 10.99.0.1
check 'nothing is left to do' unchanged --network-only /root/rig/stays.json
say 'the other'
run vmnet status
check 'it is said that it was before the reboot' sh -c 'vmnet status | grep -q "goes: the host was rebooted since"'
check 'nothing of it is there' not ip link show vbr1
run vmnet destroy goes
check 'nobody speaks of it any more' not sh -c 'vmnet status | grep -q goes'
say 'both gone'
run vmnet destroy stays
check 'the unit is gone' not systemctl cat vmnet-lab-stays.service
cp /root/rig/before "$work/before"
check 'the host is as it was' soon 30 same
rm -rf /root/rig /etc/systemd/network/20-eth1.network
networkctl reload
ip addr flush dev eth1
